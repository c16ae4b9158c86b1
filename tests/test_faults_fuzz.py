"""3,000 fuzzed answers through the real client over real HTTP: none a crash, none a negative bill, none paid twice."""

from __future__ import annotations

import json
import re
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_client import GOOD, QuickClock, asked, settings_for
from scripted_llm import Call, Reply, ScriptedServer

from triplette.errors import ServiceError
from triplette.llm.bodies import BODY_LIMIT
from triplette.llm.client import LlmClient
from triplette.llm.run import run_many

BATCH, BATCHES = 30, 100
UNFORESEEN = re.compile(r"r\d+: \w*(?:Error|Exception):")  # what the net under every request says of a crash

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from([GOOD, "", "stop", "length", "content_filter", "\ud83d", "\x00", '{"word": "a", "word": "b"}', "[" * 3000]),
)
anything = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)), max_leaves=8
)


def fields(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that have some of the fields of a completion, each as it should be or anything at all."""
    return st.fixed_dictionaries({}, optional={name: st.one_of(good, anything) for name, good in known.items()})


messages = fields(role=st.just("assistant"), content=st.just(GOOD), refusal=st.none(), reasoning_content=st.just("hm"))
choices = fields(index=st.just(0), finish_reason=st.just("stop"), message=messages, logprobs=st.none())
usages = fields(prompt_tokens=st.just(9), completion_tokens=st.just(5), total_tokens=st.just(14))
completions = fields(id=st.just("x"), choices=st.lists(choices, min_size=1, max_size=1), usage=usages, model=st.just("petit"))


def bent(body: Any, cut: int, noise: bytes) -> bytes:
    """A body as JSON, cut or with noise in it where ``cut`` is not negative."""
    text = json.dumps(body, ensure_ascii=True).encode()
    if cut < 0:
        return text
    place = cut % (len(text) + 1)
    return text[:place] + (noise + text[place:] if noise else b"")


bodies = st.builds(bent, st.one_of(completions, anything), st.sampled_from([-1, -1, -1, 3, 11, 40, 77]), st.binary(max_size=6))
statuses = st.sampled_from([200] * 12 + [400, 404, 422, 429, 500, 503])
waits = st.sampled_from([None, "0", "-1", "nan", "inf", "soon", "1e9", "Thu, 01 Jan 1970 00:00:00 GMT"])
replies = st.tuples(statuses, bodies, waits)


@pytest.mark.slow
@settings(max_examples=BATCHES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(batch=st.lists(replies, min_size=BATCH, max_size=BATCH))
def test_3_000_fuzzed_answers_are_answers_failures_or_quarantined(batch: list[tuple[int, bytes, str | None]]) -> None:
    def script(call: Call) -> Reply:
        status, body, wait = batch[int(re.findall(r"mot (\d+)", call.user)[0])]
        return Reply(status=status, raw=body, headers={} if wait is None else {"Retry-After": wait})

    with tempfile.TemporaryDirectory() as folder, ScriptedServer(script) as server:
        made = []
        for _ in range(2):
            before = len(server.calls)
            chosen = settings_for(server, attempts=1, max_failures=10_000, patience=5.0, max_tokens=100)
            client = LlmClient(chosen, Path(folder), clock=QuickClock())
            answers, said = [], ""
            try:
                answers = run_many(client, asked(BATCH))
            except ServiceError as error:
                said = str(error)
            assert not UNFORESEEN.search(said), said
            assert all(answer.cost >= 0 and answer.tokens.input >= 0 and answer.tokens.output >= 0 for answer in answers)
            assert client.spending.spent >= 0
            assert client.spending.uncertain >= 0
            made.append(server.calls[before:])
        again = [call for call in made[1] if whole(call, batch) and call.key in {first.key for first in made[0]}]
        assert not again, "what came as a completion, good or bad, is not asked for again"


def whole(call: Call, batch: list[tuple[int, bytes, str | None]]) -> bool:
    """Whether the answer to this call came as a completion."""
    status, body, _ = batch[int(re.findall(r"mot (\d+)", call.user)[0])]
    return status == 200 and is_completion(body)


def is_completion(body: bytes) -> bool:
    """Whether a body was meant as a completion: the others are a proxy's page or the like, and are asked for again."""
    from triplette.llm.bodies import NotReadable, read_completion

    try:
        read_completion(body)
    except NotReadable as error:
        return error.completion
    return True


@contextmanager
def endless(head: str) -> Iterator[tuple[str, list[int]]]:
    """An endpoint whose every answer is ``head`` and then JSON without end, in chunks; and how many bytes each answer got rid of."""
    sent: list[int] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = 0
            while (line := self.rfile.readline().strip().lower()) != b"":
                length = int(line.split(b":")[1]) if line.startswith(b"content-length") else length
            self.rfile.read(length)
            self.wfile.write(f"HTTP/1.1 {head}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
            block = b"[" * (1 << 16)
            sent.append(0)
            try:
                while sent[-1] < 50 * BODY_LIMIT:  # an end for the test, not for the client
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block))
                    sent[-1] += len(block)
            except OSError:
                pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", sent
        server.shutdown()


@pytest.mark.parametrize("head", ["200 OK", "500 Broken", "400 Wrong"])
def test_a_body_without_end_is_cut_off_soon_after_the_limit(tmp_path: Path, head: str) -> None:
    with endless(head) as (url, sent), ScriptedServer(lambda _: GOOD) as other:
        chosen = replace(settings_for(other, attempts=2), base_url=url)
        client = LlmClient(chosen, tmp_path, clock=QuickClock())
        if head == "200 OK":
            assert "more than 4 MiB" in run_many(client, asked(1))[0].error
        else:
            with pytest.raises(ServiceError, match=f"HTTP {head[:3]}"):
                run_many(client, asked(1))
    assert 0 < len(sent) <= 2
    assert max(sent) < 5 * BODY_LIMIT, "what lay in the sockets' buffers besides"
