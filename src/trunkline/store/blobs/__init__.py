"""Bytes of files: a local directory, an S3-compatible store, and uploads that are not finished."""
