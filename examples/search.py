"""Say something in a group, and find messages by their words. Needs TRUNKLINE_URL, TRUNKLINE_TOKEN, [search] enabled.

python search.py 'brown fox -lazy'
"""

import asyncio
import os
import sys

from trunkline.client import Client
from trunkline.wire.calls.search import Highlight


def marked(text: str, highlights: list[Highlight]) -> str:
    """The text with brackets around what was found."""
    parts: list[str] = []
    end = 0
    for place in highlights:
        parts += [text[end : place.start], "[", text[place.start : place.end], "]"]
        end = place.end
    return "".join([*parts, text[end:]])


async def main(words: str) -> None:
    async with Client(os.environ["TRUNKLINE_URL"], os.environ["TRUNKLINE_TOKEN"]) as me:
        for text in ("A quick brown fox", "A brown fox that is lazy", "会议改到周五"):
            await me.send("user/bob", text)
        page = await me.search(words, types=["text"], limit=2)
        while page.behind:  # the index follows within half a second
            page = await me.search(words, types=["text"], limit=2)
        while True:
            for hit in page.hits:
                print(hit.entry.seq, hit.entry.sender, marked(hit.text, hit.highlights))
            if not page.next:
                return
            page = await me.search(words, types=["text"], limit=2, after=page.next)


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "brown fox -lazy"))
