"""``trunkline chat``: talk from a terminal, on the SDK; the history is kept between starts."""

from __future__ import annotations

import argparse
import asyncio
import sys
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from trunkline.client import Client, ClientState, ClientStopped, RequestFailed
from trunkline.client.notices import StateChange, Typing
from trunkline.client.tokens import mint_token
from trunkline.server.commands.options import CommandError
from trunkline.wire.entries import EntryView

HELP = """/who            who is in this conversation, and how far they have read
/history N      show the last N messages
/react SEQ KEY  react to a message        /unreact SEQ KEY  take it back
/edit SEQ TEXT  change your message       /recall SEQ       take it back for everyone
/quit           leave (Ctrl-D does, too)"""
COLOURS = (31, 32, 33, 34, 35, 36, 91, 92, 93, 94, 95, 96)


def add(commands: Any) -> None:
    """Offer the command."""
    parser: argparse.ArgumentParser = commands.add_parser("chat", help="chat from a terminal")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="address of the server")
    parser.add_argument("--token", help="client token; or mint one here with --key, --secret and --party")
    parser.add_argument("--key", help="API key")
    parser.add_argument("--secret", help="its secret (or - to read it from standard input)")
    parser.add_argument("--party", help="who I am, such as user/u1")
    parser.add_argument("--to", required=True, help="a party (user/bob) or a conversation id")
    parser.add_argument("--store", type=Path, help="file that keeps history and unsent messages (default: memory)")
    parser.add_argument("--device", help="device id (default: made with the store)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line: entries, members, notes")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Chat until the input ends."""
    token = options.token
    if token is None:
        if not (options.key and options.secret and options.party):
            raise CommandError("give --token, or --key, --secret and --party")
        secret = sys.stdin.readline().strip() if options.secret == "-" else options.secret
        token = mint_token(options.key, secret, options.party, ttl_s=86_400)
    with suppress(KeyboardInterrupt):
        return asyncio.run(
            Chat(options.url, token, options.to, options.store, options.device, as_json=options.json).run()
        )
    return 0


class Chat:
    """One conversation on one terminal."""

    def __init__(
        self, url: str, token: str, to: str, store: Path | None, device: str | None, *, as_json: bool = False
    ) -> None:
        self._to = to
        self._json = as_json
        self._colour = sys.stdout.isatty() and not as_json
        self._client = Client(
            url,
            token,
            store or ":memory:",
            device=device,
            on_entry=self._entry,
            on_typing=self._typing,
            on_state=self._state,
        )
        self._conversation = ""

    async def run(self) -> int:
        """Show what comes, send what is typed; 0 at the end of the input, 1 when the server turned us away."""
        async with self._client as client:
            try:
                async with asyncio.timeout(20):
                    await client.online()
            except ClientStopped as stopped:
                self._note(f"the server turned us away: {stopped}")
                return 1
            except TimeoutError:
                self._note("the server does not answer; messages wait in the outbox until it does")
            self._conversation = client.conversation_of(self._to)
            self._note(f"you are {client.party}; talking to {self._to}; /help shows commands")
            async for line in _lines():
                if client.state is ClientState.STOPPED:
                    return 1
                if line.strip() == "/quit":
                    break
                if line.strip():
                    await self._do(line.strip())
        return 0

    async def _do(self, line: str) -> None:
        try:
            if line.startswith("/"):
                await self._command(*line[1:].split(" ", 2))
            else:
                await self._client.send(self._to, line)
        except RequestFailed as error:
            self._note(f"refused: {error}")
        except (ValueError, TypeError):
            self._note("that is not how it is used; /help shows how")

    async def _command(self, name: str, first: str = "", rest: str = "") -> None:
        client, conversation = self._client, self._conversation
        if name == "help":
            self._note(HELP) if self._json else self._print(HELP)
        elif name == "who":
            for member in (await client.groups.members(conversation)).members:
                if self._json:
                    self._tell("member", member)
                else:
                    self._print(f"  {self._name(member.party)}  {member.role}, has read up to {member.read}")
        elif name == "history":
            for entry in await client.history(conversation, limit=int(first or 20)):
                self._show(entry)
        elif name in ("react", "unreact"):
            await client.entries.react(conversation, int(first), rest, on=name == "react")
        elif name == "edit":
            await client.entries.edit(conversation, int(first), {"text": rest})
        elif name == "recall":
            await client.entries.recall(conversation, int(first))
        else:
            self._note(f"there is no /{name}; /help shows what there is")

    def _entry(self, entry: EntryView) -> None:
        self._conversation = self._conversation or self._client.conversation_of(self._to)
        if entry.conversation == self._conversation:
            self._show(entry)
            if entry.sender != self._client.party:
                self._client.mark_read(entry.conversation, entry.seq)
        elif entry.type == "text":
            self._note(f"{entry.sender} wrote in another conversation ({entry.conversation})")

    def _show(self, entry: EntryView) -> None:
        if self._json:
            self._tell("entry", entry)
            return
        content = entry.content if isinstance(entry.content, dict) else {}
        if entry.now is not None and (entry.now.recalled or entry.now.expired):
            text = self._faint("(taken back)")
        elif entry.type == "text":
            text = _clean(content.get("text", ""))
        elif entry.type == "message.reacted":
            text = self._faint(
                f"{_clean(content.get('key'))} on {entry.target}" + ("" if content.get("on") else " taken back")
            )
        elif entry.type == "message.edited":
            edited = content.get("content")
            new = edited.get("text") if isinstance(edited, dict) else edited
            text = self._faint(f"changed {entry.target} to: {_clean(new)}")
        elif entry.type == "placeholder":
            return
        else:
            text = self._faint(_clean(f"{entry.type} {content or ''}").strip())
        at = datetime.fromtimestamp(entry.at_ms / 1000).astimezone().strftime("%H:%M:%S")
        self._print(f"{self._faint(f'{at} {entry.seq:>4}')} {self._name(entry.sender)}: {text}")

    def _typing(self, typing: Typing) -> None:
        if typing.conversation == self._conversation and typing.typing:
            self._tell("typing", typing.party) if self._json else self._note(f"{typing.party} is typing ...")

    def _state(self, change: StateChange) -> None:
        if change.state is ClientState.STOPPED and change.close_code and self._conversation:
            self._note(f"the server turned us away: {change.reason}")
        elif change.state is ClientState.CONNECTING and self._conversation:
            self._note("connection lost; trying again")

    # --- the terminal -----------------------------------------------------------------------

    def _name(self, party: str) -> str:
        if not self._colour:
            return party
        return f"\x1b[{COLOURS[zlib.crc32(party.encode()) % len(COLOURS)]}m{party}\x1b[0m"

    def _faint(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self._colour else text

    def _note(self, text: str) -> None:
        self._tell("note", text) if self._json else self._print(self._faint(f"- {text}"))

    def _tell(self, kind: str, what: object) -> None:
        """A line for a program to read."""
        self._print(msgspec.json.encode({kind: what}).decode())

    @staticmethod
    def _print(text: str) -> None:
        print(text, flush=True)


def _clean(text: object) -> str:
    """What others wrote, unable to steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in str(text))


async def _lines() -> AsyncIterator[str]:
    """Lines of standard input, without blocking the loop; works for terminals and pipes."""
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        yield line
