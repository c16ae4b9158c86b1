"""An OpenAI-compatible endpoint that does what a test scripts, over real HTTP on loopback.

    with ScriptedServer(script) as server:
        ...  # LlmSettings(base_url=server.url, ...)

``script`` gets each ``Call`` and gives a ``Reply`` (or text, which is an answer). The server keeps every call, and counts
for each distinct request the answers that it sent whole, which is what a provider would bill.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from triplette.criteria import NAMES


@dataclass(slots=True)
class Call:
    """A request: its JSON body and headers (lower case), how often the same body came before, and when (monotonic seconds)."""

    body: dict[str, Any]
    headers: dict[str, str]
    number: int
    times: int
    at: float
    key: str

    @property
    def user(self) -> str:
        """The first user message."""
        return next(str(message["content"]) for message in self.body["messages"] if message["role"] == "user")

    @property
    def asked_again(self) -> bool:
        """Whether this is the second asking, after a malformed answer."""
        return len(self.body["messages"]) > 2


@dataclass(slots=True)
class Reply:
    """What to send. ``cut`` closes the connection after so many bytes of the body; ``raw`` replaces the body.

    ``hang`` never answers: it waits until the client goes away.
    """

    content: str | None = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    finish: str = "stop"
    refusal: str | None = None
    usage: dict[str, int] | None = field(default_factory=lambda: {"prompt_tokens": 900, "completion_tokens": 80})
    error: dict[str, Any] | None = None
    cut: int | None = None
    raw: bytes | None = None
    hang: bool = False

    def body(self) -> bytes:
        """The JSON that goes over the wire."""
        if self.raw is not None:
            return self.raw
        if self.status != 200:
            return json.dumps({"error": self.error or {"message": f"scripted {self.status}", "code": None}}).encode()
        message = {"role": "assistant", "content": self.content, "refusal": self.refusal}
        body: dict[str, Any] = {
            "id": "scripted",
            "object": "chat.completion",
            "created": 0,
            "model": "scripted",
            "choices": [{"index": 0, "finish_reason": self.finish, "message": message}],
        }
        if self.usage is not None:
            body["usage"] = self.usage
        return json.dumps(body).encode()


Script = Callable[[Call], "Reply | str"]


class ScriptedServer:
    """The endpoint, in a thread of its own. ``calls`` are all requests; ``paid`` counts whole 200 answers by request."""

    def __init__(self, script: Script, further: Callable[[str, str, bytes], tuple[int, bytes] | None] | None = None) -> None:
        self.script = script
        self.further = further  # (method, path, body) -> (status, body) of what is no chat call; None closes the connection
        self.calls: list[Call] = []
        self.paid: Counter[str] = Counter()
        self.url = ""
        self.in_flight = self.most_in_flight = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._talk, "127.0.0.1", 0, limit=2**24))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0.01))
            self._loop.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                pairs = [line.split(":", 1) for line in head[1:] if ":" in line]
                headers = {name.strip().lower(): value.strip() for name, value in pairs}
                content = await _body(reader, headers)
                method, path, _ = head[0].split(" ", 2)
                if self.further and not path.endswith("/chat/completions"):
                    answer = self.further(method, path.removeprefix("/v1"), content)
                    if answer is None:
                        return
                    status, body = answer
                    writer.write(f"HTTP/1.1 {status} Scripted\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
                    await writer.drain()
                elif not await self._reply(headers, content, reader, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _reply(self, headers: dict[str, str], content: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        key = hashlib.sha256(content).hexdigest()
        times = sum(call.key == key for call in self.calls)
        call = Call(json.loads(content), headers, len(self.calls), times, time.monotonic(), key)
        self.calls.append(call)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            reply = self.script(call)
            if isinstance(reply, str):
                reply = Reply(reply)
            if reply.hang:
                await reader.read()
                return False
            await asyncio.sleep(reply.delay)
            body = reply.body()
            lines = [f"HTTP/1.1 {reply.status} Scripted", "Content-Type: application/json", f"Content-Length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in reply.headers.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode() + body[: reply.cut])
            await writer.drain()
            if reply.status == 200 and reply.cut is None:
                self.paid[key] += 1
        finally:
            self.in_flight -= 1  # last: with nothing in flight everything paid is counted
        return reply.cut is None


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    """A request's body, whole or in chunks as files are sent."""
    if headers.get("transfer-encoding", "") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    parts = []
    while size := int(await reader.readline(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(parts)


def orders(call: Call) -> list[tuple[int, str, str]]:
    """(number, kind, persona) of each question that a writer's request asks for."""
    found = re.findall(r"^(\d+)\. kind=([\w-]+), persona=(\w+), difficulty=\w+$", call.user, re.MULTILINE)
    return [(int(number), kind, persona) for number, kind, persona in found]


def passage(call: Call) -> str:
    """The text between the two guard lines of a writer's request."""
    found = re.search(r"^(=====PASSAGE-\w+=====)\n(.*?)\n\1$", call.user, re.MULTILINE | re.DOTALL)
    assert found, "the request has no fenced passage"
    return found.group(2)


def questions(*texts: str, reason: str = "") -> str:
    """A writer's well-formed answer with these questions, numbered from 1."""
    rows = [{"number": number, "question": text} for number, text in enumerate(texts, 1)]
    return json.dumps({"questions": rows, "reason": reason}, ensure_ascii=False)


def good_writer(call: Call) -> str:
    """A well-behaved writer: one question an order about the passage's first number and long words, always the same."""
    found = re.search(r"\d+", passage(call))
    about = f"le point {found.group()}" if found else "un joueur"
    terms = list(dict.fromkeys(re.findall(r"[a-zàâçéèêëîïôûùü]{6,}", passage(call)))) or ["joueur"]
    forms = (
        "Pour {}, quelle règle faut-il appliquer quand on parle de {} et aussi de {} ?",
        "Un participant hésite sur {} au sujet de {} : que doit-on lui répondre à propos de {} ?",
        "Pourquoi est-il utile, avec {}, de bien comprendre {} avant de penser à {} ?",
        "Est-ce que {} fait que {} change quelque chose pour {} pendant une compétition ?",
        "Comment expliquer simplement {}, donc {}, à quelqu'un qui demande {} ?",
        "Dans quelles conditions {} veut-il que {} vienne avant {} pour les responsables ?",
    )
    texts = []
    for number, _, _ in orders(call):
        first, second = terms[(7 * number) % len(terms)], terms[(11 * number + 3) % len(terms)]
        texts.append(forms[(number - 1) % len(forms)].format(about, first, second))
    return questions(*texts)


def good_reader(call: Call) -> Reply:
    """A writer for whoever orders questions, else a judge that cites the beginning of the passage and finds no second answer."""
    if orders(call):
        return Reply(good_writer(call), delay=0.01)
    numbers = [int(number) for number in re.findall(r"^Passage (\d+), titre", call.user, re.MULTILINE)]
    if numbers:
        rows = [{"number": number, "reason": "autre sujet", "evidence": "", "answers": "non"} for number in numbers]
        return Reply(json.dumps({"passages": rows}), delay=0.01)
    found = re.search(r"^(=====\S+=====)\n(.*?)\n\1$", call.user, re.MULTILINE | re.DOTALL)
    assert found, call.user
    part = {"reason": "dit clairement", "score": 5}
    criteria = dict.fromkeys(NAMES, part)
    return Reply(json.dumps({"answer": "Oui.", "evidence": " ".join(found.group(2).split()[:12]), **criteria}), delay=0.01)
