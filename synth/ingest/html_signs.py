"""Signs of a page that are more than their letters: superscripts, formulas (MathML) and lists that were typed with line breaks."""

from __future__ import annotations

import re
from typing import Any

from triplette.synth.ingest.elements import raised

DEPTH_MAX = 40  # fractions inside roots inside...; deeper ones are read as their signs
TYPED_ITEM = re.compile(r"\s*(?:[-–—•▪‣·*][ \u00a0]+|\d{1,2}[.)][ \u00a0]+|[a-z]\)[ \u00a0]+)(?=\S)")
_PREFIXED = re.compile(r"<(/?)[A-Za-z]\w{0,9}:(?=(?:m(?:ath|row|i|n|o|text|space|frac|sup|sub|subsup|under|over|underover|root|sqrt|table|tr|td|"
                       r"multiscripts|fenced|style|padded|phantom|enclose|error|prescripts|s)|semantics|annotation(?:-xml)?|none)\b)")  # fmt: skip
_SCRIPTED = ("mfrac", "msup", "msub", "msubsup", "munder", "mover", "munderover")
_GROUPS = {"mfrac": "{0}/{1}", "msup": "{0}^{1}", "msub": "{0}_{1}", "msubsup": "{0}_{1}^{2}", "munder": "{0}_{1}", "mover": "{0}^{1}"}
_GROUPS |= {"munderover": "{0}_{1}^{2}", "mroot": "{1}√{0}"}


def plain_formulas(source: str) -> str:
    """A page's source with its MathML's names as HTML has them: books write them with a prefix."""
    return _PREFIXED.sub(r"<\1", source) if "Math/MathML" in source else source


def inline_sign(node: Any) -> str:
    """The text of a <sup> or <math>; "" for a superscript that only points at a note."""
    if node.tag == "math":
        return formula(node)
    return "" if _is_note_mark(node) else raised("".join(node.itertext()))


def typed_items(raw: str, sign: str) -> list[str]:
    """The parts of a text whose lines end in ``sign``: a line that begins like an item of a list is a part of its own, and so is a question
    that begins a part."""
    parts: list[str] = []
    asked = False
    for line in raw.split(sign):
        if parts and not asked and not TYPED_ITEM.match(line):
            parts[-1] += f" {line}"
            continue
        parts.append(line)
        asked = line.rstrip().endswith("?")
    return parts


def formula(node: Any) -> str:
    """A formula's TeX where the page carries it, else its MathML as a line: (a+b)/c, x^2, √(y)."""
    source = next((a for a in node.iter("annotation") if "tex" in (a.get("encoding") or "")), None)
    if source is not None and source.text:
        return str(source.text)
    return " ".join(_part(node, 0).split())


def _part(node: Any, depth: int) -> str:
    if not isinstance(node.tag, str) or node.tag in ("annotation", "annotation-xml"):
        return ""
    if depth > DEPTH_MAX:
        return "".join(node.itertext())
    inner = [_part(child, depth + 1) for child in node]
    for at, child in enumerate(node[:-1]):  # x^2 y, not x^2y
        if child.tag in _SCRIPTED and node.tag not in _GROUPS and inner[at][-1:].isalnum() and inner[at + 1][:1].isalnum():
            inner[at] += " "
    form = _GROUPS.get(node.tag)
    if form is not None and len(inner) == form.count("{"):
        return form.format(*(part if part.isalnum() or len(part) < 2 else f"({part})" for part in inner))
    if node.tag == "msqrt":
        return f"√({''.join(inner)})"
    if node.tag == "mtr":
        return " ".join(inner) + "; "
    return (node.text or "").strip() + "".join(inner)


def _is_note_mark(node: Any) -> bool:
    link = next((child for child in node if child.tag == "a"), None)
    if link is None or len("".join(node.itertext()).strip()) > 6:
        return False
    return (link.get("href") or "").startswith("#") or "noteref" in (link.get("role") or "")
