"""The batch service of the scripted endpoint: files, batches, and lines that the same scripts answer as answer single calls.

service = BatchService(script, after=2)  # a batch ends at the third look
with ScriptedServer(script, service) as server:
    ...
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from scripted_llm import Call, Reply, Script

LINE_BREAK = b"\r\n"


class BatchService:
    """``after``: looks at a batch before it has ended. ``ends``: what each batch ends as, the last for all further ones.

    ``lines`` may change the lines of a batch's files (number of the batch from 0, output, errors). ``expire``: which lines an expired batch
    never came to. ``creates`` says what becomes of each request to make a batch: ``made``, ``cut`` (made, and the connection lost), ``503``.
    """

    def __init__(
        self,
        script: Script,
        *,
        after: int = 0,
        ends: tuple[str, ...] = ("completed",),
        creates: tuple[str, ...] = ("made",),
        expire: Callable[[int], bool] = lambda number: number % 2 == 1,
        change: Callable[[int, list[Any], list[Any]], None] = lambda number, output, errors: None,
        errors: list[dict[str, Any]] | None = None,
    ) -> None:
        self.script, self.after, self.ends, self.expire, self.change = script, after, ends, expire, change
        self.creates, self.errors = creates, errors
        self.files: dict[str, bytes] = {}
        self.batches: list[dict[str, Any]] = []
        self.tried = self.looks = self.uploads = 0
        self.sent: Counter[str] = Counter()  # how often each line was in a batch
        self.paid: Counter[str] = Counter()  # whole answers by line, which a provider would bill

    def __call__(self, method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        if (method, path) == ("POST", "/files"):
            return self._upload(body)
        if (method, path) == ("POST", "/batches"):
            return self._create(json.loads(body))
        if path.startswith("/batches?"):
            return _json({"data": self.batches[::-1], "has_more": False})
        if found := re.fullmatch(r"/batches/(\S+)", path):
            return self._look(found.group(1))
        found = re.fullmatch(r"/files/(\S+)/content", path)
        content = self.files.get(found.group(1)) if found else None
        return (200, content) if content is not None else _json({"error": {"message": "no such file"}}, 404)

    def _upload(self, body: bytes) -> tuple[int, bytes]:
        self.uploads += 1
        name = f"file-{self.uploads}"
        assert b"batch" in body.split(LINE_BREAK * 2)[1]
        start = body.index(LINE_BREAK * 2, body.index(b'name="file"')) + 4
        self.files[name] = body[start : body.rindex(LINE_BREAK + b"--")]
        return _json({"id": name})

    def _create(self, asked: dict[str, Any]) -> tuple[int, bytes] | None:
        how = self.creates[min(self.tried, len(self.creates) - 1)]
        self.tried += 1
        if how == "503":
            return _json({"error": {"message": "overloaded"}}, 503)
        batch = {"id": f"batch_{len(self.batches)}", "status": "validating", "looks": 0, **asked}
        self.batches.append(batch)
        self.sent.update(row["custom_id"] for row in self.rows(batch))
        return None if how == "cut" else _json(batch)

    def rows(self, batch: dict[str, Any]) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.files[batch["input_file_id"]].decode().splitlines()]

    def _look(self, name: str) -> tuple[int, bytes]:
        self.looks += 1
        number, batch = next((number, one) for number, one in enumerate(self.batches) if one["id"] == name)
        batch["looks"] += 1
        if batch["looks"] > self.after and "output_file_id" not in batch:
            self._end(number, batch)
        elif "output_file_id" not in batch:
            batch["status"] = "in_progress"
        return _json(batch)

    def _end(self, number: int, batch: dict[str, Any]) -> None:
        batch["status"] = self.ends[min(number, len(self.ends) - 1)]
        batch["output_file_id"] = batch["error_file_id"] = None
        if batch["status"] == "failed":
            batch["errors"] = {"data": self.errors}
            return
        output: list[Any] = []
        errors: list[Any] = []
        for place, row in enumerate(self.rows(batch)):
            if batch["status"] in ("expired", "cancelled") and self.expire(place):
                errors.append(
                    {"custom_id": row["custom_id"], "response": None, "error": {"code": "batch_expired", "message": "too late"}}
                )
                continue
            times = self.sent[row["custom_id"]] - 1
            reply = self.script(Call(row["body"], {}, place, times, time.monotonic(), row["custom_id"]))
            reply = Reply(reply) if isinstance(reply, str) else reply
            response = {"status_code": reply.status, "body": json.loads(reply.body())}
            (output if reply.status == 200 else errors).append({"custom_id": row["custom_id"], "response": response, "error": None})
            self.paid[row["custom_id"]] += reply.status == 200
        self.change(number, output, errors)
        for kind, rows in (("output", output[::-1]), ("error", errors)):  # the order of lines means nothing
            if rows:
                lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
                self.files[f"{kind}-{number}"] = b"\n".join(lines) + b"\n"
                batch[f"{kind}_file_id"] = f"{kind}-{number}"


def _json(content: Any, status: int = 200) -> tuple[int, bytes]:
    return status, json.dumps(content).encode()
