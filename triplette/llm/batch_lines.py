"""What a batch brought: each line an answer that is kept, a call to send again, or one that will never be answered.

The lines stand in any order and may be anything, as an endpoint's bodies may: a line that cannot be read is told, one with a name that was not
asked for is left. An answer that cannot be read at all is asked for twice and then kept as unreadable, as ``client.py`` does it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triplette.console import say
from triplette.llm.batch_journal import Batch, Journal, Line
from triplette.llm.bodies import BODY_LIMIT, NotReadable, completion_of, read_json
from triplette.llm.client import ODD_LIMIT
from triplette.llm.dialect import Dialect
from triplette.llm.http import refusal
from triplette.llm.prices import Tokens

if TYPE_CHECKING:
    from triplette.llm.client import LlmClient

ODD = "unreadable answer: "
NOTHING = "the batch gave no line for it"


def collect(client: LlmClient, batch: Batch, paths: Sequence[Path], secret: str) -> dict[str, Any]:
    """Keep every answer of a batch; what its record in the journal then says (``billed``, ``failed``, ``refused``, ``learned``)."""
    lines = {line.key: line for line in batch.lines}
    earlier = [said.failed for said in Journal(client.folder).batches if said.name != batch.name]
    failed: dict[str, str] = {}
    refused: dict[str, str] = {}
    learned: Dialect | None = None
    billed = 0.0
    strange = 0
    seen: set[str] = set()
    for row in (row for path in paths for row in _rows(path)):
        line = lines.get(str(row.get("custom_id"))) if row else None
        if row is None or line is None or line.key in seen:
            strange += 1
            continue
        seen.add(line.key)
        status, body, error = _response(row)
        if status == 200:
            odd_before = sum(said.get(line.key, "").startswith(ODD) for said in earlier)
            cost, fault = _keep(client, line, body, secret, last=odd_before + 1 >= ODD_LIMIT, model=batch.model)
            billed += cost
            if fault:
                failed[line.key] = fault
            continue
        failure = refusal(status, {}, json.dumps({"error": error}).encode(), secret=secret)
        taught = batch.dialect.after(status, failure.message, _template(client, batch.dialect))
        learned = taught or learned
        (refused if failure.kind == "refused" and not taught else failed)[line.key] = failure.message
    failed.update(dict.fromkeys(lines.keys() - seen, NOTHING))
    if strange:
        say(f"batch {batch.id}: {strange} lines could not be read, or answer what was not asked")
    return {"billed": billed, "failed": failed, "refused": refused, "learned": learned}


def _rows(path: Path) -> Iterator[dict[str, Any] | None]:
    """The lines of a file as objects, None for one that is none or too long."""
    with path.open("rb") as stream:
        while line := stream.readline(2 * BODY_LIMIT):
            whole = line.endswith(b"\n") or len(line) < 2 * BODY_LIMIT
            while not line.endswith(b"\n") and (rest := stream.readline(2 * BODY_LIMIT)):
                line = rest
            if not line.strip():
                continue
            try:
                row = read_json(line) if whole else None
            except NotReadable:
                row = None
            yield row if isinstance(row, dict) else None


def _response(row: dict[str, Any]) -> tuple[int, Any, Any]:
    """(status, body, error) of a line; the status is 0 where the call was never made."""
    response = row.get("response")
    error = row.get("error")
    if not isinstance(response, dict):
        return 0, None, error or {"message": "no response"}
    status, body = response.get("status_code"), response.get("body")
    if not isinstance(status, int) or (status == 200 and body is None):
        return 0, None, error or {"message": "no response"}
    said = body.get("error", body) if isinstance(body, dict) else body
    return status, body, error or said or {"message": "no reason given"}


def _keep(client: LlmClient, line: Line, body: Any, secret: str, *, last: bool, model: str) -> tuple[float, str]:
    """Store one answer: (US dollars, ""), or (US dollars, what is wrong with it) where it is to be asked for once more."""
    fault = ""
    try:
        stored = client.stored(completion_of(body, secret), line.sent, 0.0)
    except NotReadable as error:
        fault = f"{ODD}{error}"
        stored = client.unreadable(str(error), line.sent)
    tokens = Tokens(stored.tokens_in, stored.tokens_out)
    cost = client.price.of(tokens) * client.rate
    client.spending.bill(cost, tokens)
    if fault and not last:
        return cost, fault
    client.cache.put(line.key, line.label, model, stored)
    client.collected.add(line.key)
    return cost, ""


def _template(client: LlmClient, dialect: Dialect) -> dict[str, Any]:
    """A call's parts without its text: what a refusal may have named."""
    how = client.settings.response_format
    body = {
        "messages": [{"role": "system", "content": ""}, {"role": "user", "content": ""}],
        "temperature": client.settings.temperature,
        "max_tokens": client.settings.max_tokens,
        **({} if how == "text" else {"response_format": {"type": how}}),
    }
    return dialect.shape(body)
