"""Office Math to a line of text: (a + b)/c, x^2, √(y), sum over its limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from triplette.synth.ingest.docx_xml import M, W

DEPTH_MAX = 40  # fractions inside roots inside...; deeper ones are read as their signs


def formula_text(node: Any, depth: int = 0) -> str:
    """A formula, or a part of one, as text."""
    if depth > DEPTH_MAX:
        return "".join(t.text or "" for t in node.iter(f"{M}t"))
    return "".join(_part(child, depth) for child in node).strip() if depth == 0 else "".join(_part(child, depth) for child in node)


def _part(node: Any, depth: int) -> str:
    name = node.tag.removeprefix(M) if isinstance(node.tag, str) else ""
    if name == "t" or node.tag == f"{W}t":
        return node.text or ""
    if name.endswith("Pr") or node.tag == f"{W}rPr":
        return ""
    say: Callable[[str], str] = lambda part: _child(node, part, depth)  # noqa: E731
    if name == "f":
        return f"{_grouped(say('num'))}/{_grouped(say('den'))}"
    if name == "sSup":
        return f"{say('e')}^{_grouped(say('sup'))}"
    if name == "sSub":
        return f"{say('e')}_{_grouped(say('sub'))}"
    if name == "sSubSup":
        return f"{say('e')}_{_grouped(say('sub'))}^{_grouped(say('sup'))}"
    if name == "rad":
        return f"{say('deg')}√{_grouped(say('e'), always=True)}"
    if name == "nary":
        return f"{_sign(node, 'naryPr', 'chr', '∫')}{_limit('_', say('sub'))}{_limit('^', say('sup'))} {say('e')}"
    if name == "d":
        inner = _sign(node, "dPr", "sepChr", "|").join(formula_text(part, depth + 1) for part in node.iterchildren(f"{M}e"))
        return f"{_sign(node, 'dPr', 'begChr', '(')}{inner}{_sign(node, 'dPr', 'endChr', ')')}"
    if name in ("m", "eqArr"):
        rows = node.iterchildren(f"{M}mr") if name == "m" else [node]
        return "; ".join(" ".join(formula_text(cell, depth + 1) for cell in row.iterchildren(f"{M}e")) for row in rows)
    if name in ("limLow", "limUpp"):
        return f"{say('e')}_{_grouped(say('lim'))}"
    if name == "func":
        return f"{say('fName')} {say('e')}"
    return formula_text(node, depth + 1)


def _child(node: Any, name: str, depth: int) -> str:
    part = node.find(f"{M}{name}")
    return formula_text(part, depth + 1) if part is not None else ""


def _grouped(text: str, *, always: bool = False) -> str:
    return f"({text})" if always or (len(text) > 1 and not text.isalnum()) else text


def _limit(sign: str, text: str) -> str:
    return f"{sign}{_grouped(text)}" if text else ""


def _sign(node: Any, properties: str, name: str, default: str) -> str:
    found = node.find(f"{M}{properties}/{M}{name}")
    value = found.get(f"{M}val") if found is not None else None
    return default if value is None else str(value)
