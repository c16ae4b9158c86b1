"""What a server on the loopback address must refuse, and what it must say with every answer; one place for all of ours.

A page elsewhere can make a browser call such a server under a name of its own that resolves to 127.0.0.1 (DNS rebinding): such a call
carries that name in its Host header. Paths that no file can have and numbers that SQLite cannot hold would end in an internal error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")  # what a request may be addressed to, without the port
LARGEST = 2**31 - 1  # an offset or a limit; SQLite would take 2**63 - 1, a dataset of so many records no machine
LONGEST_PATH = 2000  # bytes of a path, and below of one of its parts: what file systems allow is 4,096 and 255
LONGEST_PART = 255
# of a page that runs no script and loads nothing but the server's own stylesheet
HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


def refusal(hosts: Sequence[str], path: str, query: str, names: frozenset[str] = frozenset(NAMES)) -> tuple[int, str] | None:
    """The HTTP status and words with which a request is refused; None for one that may be answered.

    ``hosts`` are the values of its Host headers, ``path`` is its path with the escapes undone, ``query`` what stands after the ``?``, as it
    was sent; ``names`` are the names without port that a request may be addressed to.
    """
    if len(hosts) != 1 or _name_of(hosts[0]) not in names:
        return 400, f"this server answers to {' and '.join(sorted(names))} only\n"
    parts = path.encode("utf-8", "surrogatepass").split(b"/")
    if "\x00" in path or len(path) > LONGEST_PATH or max(map(len, parts)) > LONGEST_PART:
        return 404, "no such path\n"
    for name, value in parse_qsl(query, keep_blank_values=True):
        if "\x00" in value or "\x00" in name:
            return 422, f"{name!r} holds a null character\n"
        # as pydantic reads a whole number: with spaces around it, underscores in it, noughts behind a point
        digits = re.sub(r"\.0*$", "", value.strip()).lstrip("+-").replace("_", "")
        if digits.isdecimal() and (len(digits) > len(str(LARGEST)) or int(digits) > LARGEST):
            return 422, f"{name!r} is larger than {LARGEST}\n"
    return None


def _name_of(host: str) -> str:
    """A Host header's name, without its port, in lower case."""
    return host.rpartition(":")[0].lower() if host.rpartition(":")[2].isdecimal() and ":" in host else host.lower()
