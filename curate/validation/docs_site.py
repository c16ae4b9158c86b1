"""Data Docs without a network: what the library's pages load from elsewhere is taken out, and a small stylesheet put in.

The library's pages name scripts, styles, icons and a logo on other servers. A report on somebody's data should neither need them nor
tell those servers that it was opened. Links that a reader may click are left alone. The library's front page is filled by such a
script, so it is replaced by a plain one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from triplette.console import html_text
from triplette.site import FRONT

_REMOTE = re.compile(
    r"<script\b[^>]*\bsrc\s*=\s*[\"']?(?:https?:)?//[^>]*>\s*</script>"
    r"|<link\b[^>]*\bhref\s*=\s*[\"']?(?:https?:)?//[^>]*>"
    r"|<img\b[^>]*\bsrc\s*=\s*[\"']?(?:https?:)?//[^>]*>",
    re.IGNORECASE | re.DOTALL,
)
_REMOTE_STYLE = re.compile(r"url\(\s*[\"']?(?:https?:)?//[^)]*\)|@import\s+[^;]*//[^;]*;", re.IGNORECASE)
# without the frameworks they were written for these scripts would only raise errors
_INLINE_SCRIPT = re.compile(r"<script\b(?![^>]*\bsrc\b)[^>]*>.*?</script>", re.IGNORECASE | re.DOTALL)


def make_self_contained(folder: Path, passed: Mapping[str, tuple[int, int]]) -> int:
    """Rewrite every page and stylesheet of a Data Docs site in place; returns the number of pages.

    ``passed`` maps a suite's name in the site to (expectations met, expectations): what the front page lists.
    """
    sheet = (Path(__file__).parent / "data_docs.css").read_text(encoding="utf-8")
    style = f"<style>\n{sheet}</style>\n</head>"
    pages = sorted(folder.rglob("*.html"))
    for page in pages:
        text = _INLINE_SCRIPT.sub("", _REMOTE.sub("", page.read_text(encoding="utf-8")))
        page.write_text(_REMOTE_STYLE.sub("none", text).replace("</head>", style, 1), encoding="utf-8")
    for other in folder.rglob("*.css"):
        other.write_text(_REMOTE_STYLE.sub("none", other.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "index.html").write_text(_front_page(folder, sheet, passed), encoding="utf-8")
    return len(pages)


def _front_page(folder: Path, sheet: str, passed: Mapping[str, tuple[int, int]]) -> str:
    rows = []
    for name, (met, number) in passed.items():
        results = sorted((folder / "validations").rglob(f"*{name}.html"))
        mark = (
            '<span class="text-success">passed</span>' if met == number else f'<span class="text-danger">{number - met} failed</span>'
        )
        links = [_link(folder, page, "results") for page in results if page.parts[-4] == name or name in page.parts]
        links.append(_link(folder, folder / "expectations" / f"{name}.html", "expectations"))
        rows.append(f"<tr><td>{html_text(name)}</td><td>{mark}</td><td>{met} of {number}</td><td>{' · '.join(links)}</td></tr>")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="UTF-8"><title>Data Docs</title>\n'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<style>\n{sheet}</style></head>\n<body><div class='container-fluid'>"
        f'<p><a href="../../{FRONT}">This run</a></p><h2>Data Docs</h2>\n'
        "<p>What every suite expected of the dataset, and what it found. Made by Great Expectations; needs no network.</p>\n"
        "<table class='table'><tr><th>suite</th><th>result</th><th>expectations met</th><th></th></tr>\n"
        + "\n".join(rows)
        + "\n</table></div></body></html>\n"
    )


def _link(folder: Path, page: Path, label: str) -> str:
    return f'<a href="{quote(page.relative_to(folder).as_posix())}">{html_text(label)}</a>'
