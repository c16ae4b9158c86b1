"""RTF through striprtf: plain lines, whose structure is inferred like that of a text file."""

from __future__ import annotations

import re
from pathlib import Path

from triplette.errors import InputError
from triplette.synth.ingest.document import Pages, cured

# pictures and objects are megabytes of hexadecimal digits in one run, which the parser would walk one by one
_BINARY = re.compile(rb"[0-9a-fA-F\r\n]{512,}")


def read_rtf(path: Path) -> Pages:
    """The text; page breaks become form feeds."""
    from striprtf.striprtf import rtf_to_text

    data = path.read_bytes()
    if not data.lstrip()[:5] == b"{\\rtf":
        raise InputError("is no RTF", cure="give it the suffix of its real format")
    source = _BINARY.sub(b"", data).decode("latin-1")
    text = rtf_to_text(source.replace("\\page ", "\\par \f\\par ").replace("\\page\\", "\\par \f\\par \\"), errors="replace")
    return Pages(cured(text.replace("|\n", "\n").replace("\r\n", "\n").replace("\r", "\n")))
