"""An S3-compatible server that is not ours (moto) and the adapter fulfil the contract of blob stores together."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.contract.blob_suite import BlobSuite
from trunkline.store.blobs.s3 import ObjectBlobStore


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        boto3.client(
            "s3",
            endpoint_url=address,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        ).create_bucket(Bucket="files")
    yield address
    server.stop()


class TestS3Blobs(BlobSuite):
    """The suite over HTTP."""

    @pytest.fixture
    def store(self, endpoint: str) -> ObjectBlobStore:
        return ObjectBlobStore(
            bucket="files", prefix="chat", endpoint=endpoint, access_key_id="test", secret_access_key="test"
        )
