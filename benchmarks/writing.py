"""How close the LLM writer comes to an endpoint's capacity, beside LlamaIndex's own generator.

The endpoint is a process of its own on loopback: each answer takes 200 ms, 64 are worked on at once, more wait in line; so it
answers 320 calls a second at most. Ours asks 5,000 chunks through ``run_many`` with everything switched on (cache on disk, budget,
schema check). ``generate_qa_embedding_pairs`` (llama-index-finetuning 0.4.2) asks one chunk after the other, so it is timed on
fewer and extrapolated. Between them stands ``OpenAILike`` with the openai package's client, 64 at once: what our connection replaces.
A bare HTTP client that does nothing with the answers says what the machine allows at that moment.

    python benchmarks/writing.py --calls 5000 --finetuning FOLDER
    (FOLDER: pip download --no-deps llama-index-finetuning, unpacked; without it that line is left out.
     Both of LlamaIndex's lines want llama-index-llms-openai-like, best in a venv of its own beside Triplette.)
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any, ClassVar

from triplette.llm.client import LlmClient, Request
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


def ours(url: str, requests: list[Request], concurrency: int) -> dict[str, float]:
    """Everything that ``synth write --llm`` does for a call: plan and prompt apart, which are made before."""
    settings = LlmSettings(model="openai:bench", base_url=url, concurrency=concurrency, price_in=0.4, price_out=1.6)
    with tempfile.TemporaryDirectory() as folder:
        client = LlmClient(settings, Path(folder), budget=1000.0)
        begun = time.perf_counter()
        client.open()
        opened = time.perf_counter()
        cpu = time.process_time()
        answers = run_many(client, requests)
        seconds = time.perf_counter() - opened
        cpu = time.process_time() - cpu
        assert all(answer.value is not None for answer in answers)
        assert client.spending.calls == len(requests)
    return {"seconds": seconds, "opening": opened - begun, "cpu_ms": 1000 * cpu / len(requests), "calls": len(requests)}


def bare(url: str, requests: list[Request]) -> dict[str, float]:
    """An aiohttp client that posts ready-made bytes, 64 at once, and reads nothing: what this machine allows at this moment."""
    import aiohttp

    bodies = [json.dumps({"messages": request.messages}).encode() for request in requests]

    async def run() -> tuple[float, float]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            begun, cpu = time.perf_counter(), time.process_time()
            todo = iter(bodies)

            async def work() -> None:
                for body in todo:
                    async with session.post(f"{url}/chat/completions", data=body) as response:
                        await response.read()

            await asyncio.gather(*(work() for _ in range(SLOTS)))
            return time.perf_counter() - begun, time.process_time() - cpu

    seconds, cpu = asyncio.run(run())
    return {"seconds": seconds, "opening": 0.0, "cpu_ms": 1000 * cpu / len(requests), "calls": len(requests)}


def stock(url: str, requests: list[Request]) -> dict[str, float]:
    """``OpenAILike`` with the openai package's client, 64 workers, the same messages and schema, nothing kept."""
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai_like import OpenAILike

    from triplette.llm.forms import response_format

    llm = OpenAILike(model="bench", api_base=url, api_key="none", is_chat_model=True, max_retries=0, max_tokens=1000)

    async def ask(request: Request) -> None:
        messages = [ChatMessage(role=message["role"], content=message["content"]) for message in request.messages]
        await llm.achat(messages, response_format=response_format(request.form, "json_schema"))

    async def run() -> tuple[float, float]:
        await ask(requests[0])  # its first call imports half the package
        begun, cpu = time.perf_counter(), time.process_time()
        todo = iter(requests)

        async def work() -> None:
            for request in todo:
                await ask(request)

        await asyncio.gather(*(work() for _ in range(SLOTS)))
        return time.perf_counter() - begun, time.process_time() - cpu

    seconds, cpu = asyncio.run(run())
    return {"seconds": seconds, "opening": 0.0, "cpu_ms": 1000 * cpu / len(requests), "calls": len(requests)}


def llamaindex(url: str, folder: Path, count: int) -> dict[str, float]:
    """LlamaIndex's generator on ``count`` chunks, with its own file for saving."""
    from llama_index.core.schema import TextNode
    from llama_index.llms.openai_like import OpenAILike

    # the one module: the package's own import needs five providers' clients
    spec = importlib.util.spec_from_file_location("common", folder / "llama_index/finetuning/embeddings/common.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    llm = OpenAILike(model="bench", api_base=url, api_key="none", is_chat_model=True, max_tokens=1000)
    llm.complete("warm")
    nodes = [TextNode(text=chunk.text) for chunk in chunks(count)]
    with tempfile.TemporaryDirectory() as place:
        begun, cpu = time.perf_counter(), time.process_time()
        module.generate_qa_embedding_pairs(nodes, llm, output_path=str(Path(place) / "pairs.json"), verbose=False)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return {"seconds": seconds, "opening": 0.0, "cpu_ms": 1000 * cpu / count, "calls": count}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--stock-calls", type=int, default=2000)
    parser.add_argument("--sequential-calls", type=int, default=50)
    parser.add_argument("--finetuning", type=Path, help="folder of the unpacked llama-index-finetuning")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve))
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, __file__, "--serve", str(port)])
    url = f"http://127.0.0.1:{port}/v1"
    requests = requests_of(chunks(options.calls), WriteSettings(writer="llm"), load_profile("chess-fr"))
    ideal = SLOTS / LATENCY
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load before {load:.1f}; ideal {ideal:.0f} calls/s, {options.calls / ideal:.2f} s for all")
    time.sleep(1.0)
    try:
        lines = {"ours, 64 at once": lambda: ours(url, requests, SLOTS)}
        lines["ours, 80 at once (16 wait in line)"] = lambda: ours(url, requests, SLOTS + 16)
        lines["bare HTTP client, 64 at once"] = lambda: bare(url, requests)
        lines["OpenAILike, stock client, 64 at once"] = lambda: stock(url, requests[: options.stock_calls])
        if options.finetuning:
            lines["generate_qa_embedding_pairs"] = lambda: llamaindex(url, options.finetuning, options.sequential_calls)
        for name, measure in lines.items():
            found = measure()
            rate = found["calls"] / found["seconds"]
            print(
                f"{name:38} {found['calls']:5.0f} calls {found['seconds']:7.2f} s {rate:7.1f}/s {100 * rate / ideal:6.1f} % of ideal, "
                f"{found['cpu_ms']:.2f} ms CPU a call, opening {found['opening']:.2f} s, 5,000 in {5000 / rate:.1f} s"
            )
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
