"""Send a file to a party, show how far it is, and go on after an interruption. Needs TRUNKLINE_URL, TRUNKLINE_TOKEN.

python send_file.py user/bob holiday.jpg
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from trunkline.client import Client, SendOutcome


async def main(to: str, path: str) -> None:
    finished: asyncio.Queue[SendOutcome] = asyncio.Queue()

    def show(upload: Any, sent_bytes: int) -> None:
        print(f"{upload.name}: {sent_bytes} of {upload.size_bytes} bytes")

    url, token = os.environ["TRUNKLINE_URL"], os.environ["TRUNKLINE_TOKEN"]
    async with Client(url, token, "files.db", on_sent=finished.put_nowait) as me:
        me.files.watch(show)
        if any(Path(upload.path) == Path(path).absolute() for upload in me.files.waiting()):
            print("going on with what was begun")
        else:
            me.files.send_nowait(to, path)
        outcome = await finished.get()
        print("on the server's disk as number", outcome.seq) if outcome.seq else print("refused:", outcome.error)


asyncio.run(main(*sys.argv[1:3]))
