"""MkDocs' hook: the pages of the site that stand outside docs/, where GitHub and a reader of the clone look for them.

Each is on the site under its own path in the repository. Links are written once, as they hold in the clone: a page of docs/ that links to ``../CHANGELOG.md``,
and CHANGELOG.md that links to ``docs/export.md``, lead to the same two pages on the site.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

OUTSIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "benchmarks/README.md")
LINK = re.compile(r"(\]\()(?!https?:|#|mailto:)([^)#\s]+)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages of OUTSIDE. Raises FileNotFoundError for one that is gone."""
    root = Path(config.config_file_path).parent
    for name in OUTSIDE:
        files.append(File.generated(config, name, content=(root / name).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page with its links, which hold in the repository, as they hold on the site."""
    uri = page.file.src_uri
    inside = uri not in OUTSIDE
    here = posixpath.dirname(f"docs/{uri}" if inside else uri)
    base = posixpath.dirname(uri)

    def on_site(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(here, match[2]))
        place = target.removeprefix("docs/")
        if target == place and target not in OUTSIDE:
            return match[0]  # a file that the site has not: MkDocs warns, and the build fails
        return match[1] + posixpath.relpath(place, base or ".")

    return LINK.sub(on_site, markdown)
