"""tus 1.0, the server's side, without I/O: core, creation, creation-with-upload, expiration, checksum, termination.

Header values in, commands out (``requests``); an upload's offset through chunks that end, break off or arrive damaged
(``upload``); state in, header values out (``responses``). Not here: HTTP, storage, and who may upload what.
"""

from trunkline.protocol.tus.headers import ALGORITHMS, Checksum
from trunkline.protocol.tus.requests import AppendChunk, AskOffset, CreateUpload, Terminate, parse_request
from trunkline.protocol.tus.responses import VERSION, capabilities, created, described
from trunkline.protocol.tus.upload import Upload

__all__ = [
    "ALGORITHMS",
    "VERSION",
    "AppendChunk",
    "AskOffset",
    "Checksum",
    "CreateUpload",
    "Terminate",
    "Upload",
    "capabilities",
    "created",
    "described",
    "parse_request",
]
