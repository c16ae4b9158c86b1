"""The provider's batch service over HTTP: files up and down, batches made, looked at and found again.

OpenAI's form, which others speak too: a JSONL file is uploaded (``/files``, purpose ``batch``), a batch made of it (``/batches``), and what came
is one file of answers and one of errors. Each batch carries our own name in its metadata, so that one whose making was cut off between the
request and the answer is found by that name instead of being made, and paid, a second time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from triplette.errors import InputError
from triplette.llm.bodies import NotReadable, read_json, unpack
from triplette.llm.http import BLOCK, CONNECT_SECONDS, JSON_BODY, CallFailed, Connection, refusal
from triplette.tables import replacing

ENDPOINT = "/v1/chat/completions"
WINDOW = "24h"  # the only one that there is
NAME = "triplette"  # the key of our name in a batch's metadata
PAGE = 100  # batches a page of their list
PAGES = 50  # of the newest batches that are looked through for a name
DOWNLOAD_LIMIT = 4 << 30  # bytes of a file of answers


class BatchConnection(Connection):
    """Files and batches of one endpoint. Every method raises CallFailed."""

    async def upload(self, path: Path) -> str:
        """Upload a JSONL file; its id."""
        import aiohttp

        with path.open("rb") as stream:
            form = aiohttp.FormData()
            form.add_field("purpose", "batch")
            form.add_field("file", stream, filename=path.name, content_type="application/jsonl")
            return _id(await self._json("POST", "/files", form, timeout=self._patient()))

    async def create(self, file: str, name: str) -> dict[str, Any]:
        """Make a batch of an uploaded file, under our own ``name``."""
        body = {"input_file_id": file, "endpoint": ENDPOINT, "completion_window": WINDOW, "metadata": {NAME: name}}
        made = await self._json("POST", "/batches", json.dumps(body).encode(), headers=JSON_BODY)
        _id(made)
        return made

    async def look(self, batch: str) -> dict[str, Any]:
        """What the provider says of a batch."""
        return await self._json("GET", f"/batches/{batch}")

    async def find(self, name: str) -> dict[str, Any] | None:
        """The batch that was made under ``name``, or None, looking through the newest ``PAGES`` pages of the account's list."""
        after = ""
        for _ in range(PAGES):
            listed = await self._json("GET", f"/batches?limit={PAGE}{after}")
            rows = [row for row in listed.get("data") or [] if isinstance(row, dict)]
            for row in rows:
                if isinstance(row.get("metadata"), dict) and row["metadata"].get(NAME) == name:
                    return row
            if not rows or not listed.get("has_more"):
                return None
            after = f"&after={_id(rows[-1])}"
        return None

    async def download(self, file: str, target: Path) -> None:
        """Write the content of a file to ``target``."""
        with replacing(target) as temporary, temporary.open("wb") as stream, self._failures():
            async with self._request("GET", f"/files/{file}/content", timeout=self._patient()) as response:
                if response.status != 200:
                    raise refusal(response.status, response.headers, await response.content.read(BLOCK), secret=self._key)
                size = 0
                async for block in response.content.iter_chunked(BLOCK):
                    size += len(block)
                    _keep(stream, block, size, target)

    def _patient(self) -> Any:
        """A file takes as long as it takes; only silence is a failure."""
        import aiohttp

        return aiohttp.ClientTimeout(total=None, sock_read=self._timeout, connect=min(self._timeout, CONNECT_SECONDS))

    async def _json(self, method: str, path: str, data: Any = None, **options: Any) -> dict[str, Any]:
        status, headers, content = await self.send(method, path, data, **options)
        try:
            content = unpack(content, headers.get("Content-Encoding", ""))
            if status != 200:
                raise refusal(status, headers, content, secret=self._key)
            body = read_json(content)
        except NotReadable as error:
            raise CallFailed("failed", str(error), status=status) from None
        if not isinstance(body, dict):
            raise CallFailed("failed", "the endpoint sent something that is no batch", status=status)
        return body


def _keep(stream: BinaryIO, block: bytes, size: int, target: Path) -> None:
    """Write a block. The disk's errors are the user's to mend, not the connection's to try again."""
    if size > DOWNLOAD_LIMIT:
        said = f"the batch's answers are larger than {DOWNLOAD_LIMIT >> 30} GiB"
        raise InputError(said, where=str(target), cure="lower batch_requests in [synth.llm] or [curate.llm]")
    try:
        stream.write(block)
    except OSError as error:
        raise InputError(
            f"cannot be written ({error.strerror})", where=str(target), cure="free disk space, then run it again"
        ) from None


def _id(body: Mapping[str, Any]) -> str:
    """The id of a file or batch, safe to stand in an address."""
    found = body.get("id")
    if not isinstance(found, str) or not found or not found.replace("-", "").replace("_", "").isalnum() or len(found) > 200:
        raise CallFailed("failed", "the endpoint sent no id that can be used")
    return found
