"""How close the LLM writer comes to an endpoint's capacity; its peers are in ``peer_writing.py``, and ``bench.py`` runs both sides in turn.

    python benchmarks/writing.py serve PORT                          # the endpoint, until killed
    python benchmarks/writing.py requests --calls 5000 --out FILE    # what is asked, as lines of JSON, for the peers
    python benchmarks/writing.py ours --calls 5000 --url URL --at-once 64
    python benchmarks/writing.py bare --calls 5000 --url URL

The endpoint is a process of its own on loopback: each answer takes 200 ms, 64 are worked on at once, more wait in line; so it
answers 320 calls a second at most. Ours asks through ``run_many`` with everything switched on (cache on disk, budget, schema check).
A bare HTTP client that does nothing with the answers says what the machine allows at that moment.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections import deque
from pathlib import Path
from typing import Any, ClassVar

from clock import Clock

from triplette.llm.client import LlmClient, Request
from triplette.llm.forms import response_format
from triplette.llm.run import run_many
from triplette.profile import load_profile
from triplette.records import Chunk
from triplette.settings.llm import LlmSettings
from triplette.settings.write import WriteSettings
from triplette.synth.llm_writer import requests_of

LATENCY = 0.2
SLOTS = 64
PARAGRAPH = (
    "Le joueur qui constate une irrégularité arrête la pendule et appelle l'arbitre. Celui-ci entend les deux joueurs, consulte la "
    "feuille de partie et rétablit la dernière position certaine. S'il ne le peut pas, il fixe les temps restants selon son jugement. "
)
ANSWER = {
    "questions": [
        {"number": 1, "question": "Que faire quand on s'aperçoit d'une erreur pendant la partie ?"},
        {"number": 2, "question": "Qui décide du temps restant si la position ne peut être retrouvée ?"},
        {"number": 3, "question": "Sur quoi l'arbitre s'appuie-t-il pour remettre la position ?"},
    ],
    "reason": "",
}


class Endpoint(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as little of it as a client needs, so that the endpoint is not what is measured."""

    active = 0
    line: ClassVar[deque[Endpoint]] = deque()
    response = b""

    def connection_made(self, transport: Any) -> None:
        """A client connects."""
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        """Take a slot for each whole request, or a place in the line."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in head else 0
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            if Endpoint.active < SLOTS:
                self.begin()
            else:
                Endpoint.line.append(self)

    def begin(self) -> None:
        """Work on a request for the latency."""
        Endpoint.active += 1
        asyncio.get_running_loop().call_later(LATENCY, self.finish)

    def finish(self) -> None:
        """Answer, and give the slot to the first in line."""
        Endpoint.active -= 1
        self.transport.write(Endpoint.response)
        if Endpoint.line:
            Endpoint.line.popleft().begin()


async def serve(port: int) -> None:
    """Answer until killed."""
    message = {"role": "assistant", "content": json.dumps(ANSWER, ensure_ascii=False)}
    body = json.dumps(
        {
            "id": "b",
            "object": "chat.completion",
            "created": 0,
            "model": "bench",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 1300, "completion_tokens": 110, "total_tokens": 1410},
        }
    ).encode()
    Endpoint.response = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


def chunks(count: int) -> list[Chunk]:
    """Chunks of a usual length (about 200 tokens), all different."""
    made = []
    for number in range(count):
        text = f"Cas {number}. {PARAGRAPH * 3}"
        place = {"page_start": 0, "page_end": 0, "char_start": 0, "char_end": len(text)}
        made.append(
            Chunk.make(
                language="fr",
                text=text,
                title=f"Cas {number}",
                source="bench.md",
                articles=(),
                tokens=200,
                tokenizer="estimate",
                **place,
            )
        )
    return made


def ours(url: str, requests: list[Request], at_once: int) -> None:
    """Everything that ``synth write --llm`` does for a call: plan and prompt apart, which are made before."""
    settings = LlmSettings(model="openai:bench", base_url=url, concurrency=at_once, price_in=0.4, price_out=1.6)
    with tempfile.TemporaryDirectory() as folder:
        client = LlmClient(settings, Path(folder), budget=1000.0)
        client.open()
        with Clock() as clock:
            answers = run_many(client, requests)
        assert all(answer.value is not None for answer in answers)
        assert client.spending.calls == len(requests)
    clock.tell(len(requests), share_of_ideal=round(len(requests) * LATENCY / SLOTS / clock.seconds, 3))


def bare(url: str, requests: list[Request]) -> None:
    """An aiohttp client that posts ready-made bytes, 64 at once, and reads nothing: what this machine allows at this moment."""
    import aiohttp

    bodies = [json.dumps({"messages": request.messages}).encode() for request in requests]

    async def run() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            todo = iter(bodies)

            async def work() -> None:
                for body in todo:
                    async with session.post(f"{url}/chat/completions", data=body) as response:
                        await response.read()

            await asyncio.gather(*(work() for _ in range(SLOTS)))

    with Clock() as clock:
        asyncio.run(run())
    clock.tell(len(requests), share_of_ideal=round(len(requests) * LATENCY / SLOTS / clock.seconds, 3))


def write_requests(requests: list[Request], path: Path) -> None:
    """A line a call: its messages, the form of its answer, and the passage's text, for peers that bring their own words."""
    made = chunks(len(requests))
    lines = [
        {"messages": request.messages, "response_format": response_format(request.form, "json_schema"), "text": chunk.text}
        for request, chunk in zip(requests, made, strict=True)
    ]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


def main() -> None:
    """Serve, write the requests, or measure one side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("serve", "requests", "ours", "bare"))
    parser.add_argument("port", type=int, nargs="?", help="of the endpoint")
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--url", default="")
    parser.add_argument("--at-once", type=int, default=SLOTS)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.what == "serve":
        asyncio.run(serve(options.port))
        return
    requests = requests_of(chunks(options.calls), WriteSettings(writer="llm"), load_profile("chess-fr"))
    if options.what == "requests":
        write_requests(requests, options.out)
    elif options.what == "ours":
        ours(options.url, requests, options.at_once)
    else:
        bare(options.url, requests)


if __name__ == "__main__":
    main()
