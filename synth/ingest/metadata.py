"""The title that a file's metadata give, where it is one."""

from __future__ import annotations

import re

from triplette.synth.ingest.elements import HEADING_MAX, one_line
from triplette.synth.ingest.zipped import Archive

_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}title"
# what programs write when nobody gave a title
_NO_TITLE = re.compile(
    r"^(?:microsoft (?:word|powerpoint|excel)\b.*|(?:untitled|sans titre|sans nom|document|doc|présentation|presentation|powerpoint presentation|"
    r"présentation powerpoint|classeur|book|feuille|template|modèle|title|titre|word document|\(anonymous\)|unknown)[\s\d]*"
    r"|.*\.(?:docx?|odt|rtf|pptx?|xlsx?|pdf|tmp|html?|indd)|[\W\d_]*)$",
    re.IGNORECASE,
)


def sane_title(text: str) -> str:
    """The title, or "" when it is a program's default, a file's name or longer than a title."""
    title = one_line(text)
    return "" if len(title) < 3 or len(title) > HEADING_MAX or _NO_TITLE.match(title) else title


def core_title(archive: Archive) -> str:
    """The title of an Office document's core properties."""
    root = archive.xml_if_any("docProps/core.xml")
    node = root.find(_DUBLIN_CORE) if root is not None else None
    return sane_title(node.text or "") if node is not None else ""
