"""Names and ways of WordprocessingML that its readers share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_STRICT = (
    (b"http://purl.oclc.org/ooxml/wordprocessingml/main", b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"),
    (b"http://purl.oclc.org/ooxml/officeDocument/math", b"http://schemas.openxmlformats.org/officeDocument/2006/math"),
    (
        b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    ),
)
# what only stands round its content, and what is not shown: deletions, and where moved text came from
WRAPPERS = frozenset(f"{W}{name}" for name in "sdt sdtContent customXml smartTag ins moveTo hyperlink fldSimple dir bdo".split())
UNSHOWN = frozenset(
    f"{W}{name}" for name in "del moveFrom sdtPr sdtEndPr customXmlPr smartTagPr pPr rPr tblPr tblGrid trPr tcPr sectPr instrText delText "
    "delInstrText annotationRef footnoteRef endnoteRef separator continuationSeparator rubyPr rt".split()
)  # fmt: skip


def transitional(data: bytes) -> bytes:
    """A part of the strict variant of the format with the names of the usual one."""
    if b"purl.oclc.org/ooxml" in data[:4_000]:
        for strict, usual in _STRICT:
            data = data.replace(strict, usual)
    return data


def attribute(node: Any, name: str) -> str:
    """An attribute of the w: namespace, "" when it or the node is absent."""
    return str(node.get(f"{W}{name}") or "") if node is not None else ""


def is_on(node: Any) -> bool:
    """Whether a switch such as <w:vanish/> is there and on."""
    return node is not None and attribute(node, "val") not in ("0", "false", "off")


def wrapped_children(node: Any) -> Iterator[Any]:
    """The children, those in content controls, insertions and the like among them, in order and without recursion."""
    stack = [iter(node)]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
        elif child.tag in WRAPPERS:
            stack.append(iter(child))
        elif child.tag == f"{MC}AlternateContent":
            stack.append(iter(alternative(child)))
        elif child.tag not in UNSHOWN:
            yield child


def alternative(node: Any) -> Any:
    """Of an AlternateContent the first choice that holds anything, else the fallback: Word shows one of them."""
    choices = [child for child in node if child.tag == f"{MC}Choice"]
    fallback = next((child for child in node if child.tag == f"{MC}Fallback"), None)
    return next((choice for choice in choices if len(choice)), fallback if fallback is not None else ())
