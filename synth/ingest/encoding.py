"""Bytes to text, saying what was detected: a wrong guess spoils every accent of a French document.

UTF-8 is tried first, for other encodings almost never pass for it. What fails is legacy text (Windows-1252, Mac, DOS), told apart by
where each would put French accents; or UTF-8 with a few damaged lines; or UTF-8 that was once read as Windows-1252 and saved so ("Ã©").
"""

from __future__ import annotations

import codecs
import re

from triplette.errors import InputError

# UTF-8 read as Windows-1252: "é" became "Ã©". Three or more in a file are no accident.
_MOJIBAKE = re.compile(r"Ã[\x80-\xbf©¨ªª«®´¯»¼§¢€™‰ƒŠŒ‹¡¶¹ ]|â€[™œ“”\x9d¦]|Å[\u201c\x93]")
MOJIBAKE_MIN = 3
LEGACY = ("cp1252", "mac_roman", "cp850")
_NAMES = {"cp1252": "Windows-1252 (Latin-1)", "mac_roman": "Mac Roman", "cp850": "DOS code page 850", "iso8859-15": "Latin-9"}
_LATIN9 = re.compile(r"(?<!\d)[½¼](?=[a-zà-ÿ])")  # œ and Œ of Latin-9, read as Windows-1252
_ACCENTS = re.compile(r"(?<=[a-zA-Z])[éèàêçùôîâûëïœ](?=[a-z\s,.;:’')]|$)|\b[éàÉÀ](?=[a-z\s])|(?<=[dlnsjmtcuDLNSJMTCU])’(?=\w)")
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WIDE_SHARE = 0.3  # of the bytes on one side that are zero in UTF-16 of a Latin script
SAMPLE = 200_000  # bytes looked at to tell legacy encodings apart

_LINE_ENDS = {"\x0b": "\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n\n"}  # of a line, and of a paragraph


def decode(data: bytes, where: str) -> tuple[str, tuple[str, ...]]:
    """Bytes as text with "\\n" line ends, and notes on what was detected. Raises InputError for binary data."""
    text, notes = _decoded(data, where)
    if len(_MOJIBAKE.findall(text)) >= MOJIBAKE_MIN:
        text, note = _repaired(text)
        notes += (note,)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for sign, end in _LINE_ENDS.items():
        if sign in text:
            text = text.replace(sign, end)
    return text, notes


def _decoded(data: bytes, where: str) -> tuple[str, tuple[str, ...]]:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _wide(data, encoding, where)
    if b"\0" in data:
        even, odd = data[0::2].count(0) / len(data[0::2]), data[1::2].count(0) / max(len(data[1::2]), 1)
        if max(even, odd) < WIDE_SHARE or min(even, odd) > WIDE_SHARE / 3:
            raise InputError("is binary, not text", where=where, cure="give it the suffix of its real format, or remove it")
        return _wide(data, "utf-16-le" if odd > even else "utf-16-be", where)
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        return _legacy(data)


def _wide(data: bytes, encoding: str, where: str) -> tuple[str, tuple[str, ...]]:
    try:
        return data.decode(encoding), (f"is not UTF-8; read as {encoding.upper()}",)
    except UnicodeDecodeError as error:
        raise InputError(f"is damaged {encoding.upper()} ({error.reason})", where=where, cure="save it again as UTF-8") from None


def _legacy(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Text that is not UTF-8 as a whole: damaged UTF-8 line by line, else the legacy encoding with the most French accents."""
    lines = data.split(b"\n")
    bad = [number for number, line in enumerate(lines, 1) if not _is_utf8(line)]
    accented = sum(any(byte > 127 for byte in line) for line in lines)
    if len(bad) < accented / 2:
        text = "\n".join(line.decode("utf-8-sig" if _is_utf8(line) else "cp1252", "replace") for line in lines)
        return text, (f"{len(bad)} lines are not UTF-8 (first: line {bad[0]}); read as {_NAMES['cp1252']}",)
    best = max(LEGACY, key=lambda encoding: len(_ACCENTS.findall(data[:SAMPLE].decode(encoding, "replace"))))
    if best == "cp1252" and _LATIN9.search(data[:SAMPLE].decode(best, "replace")):
        best = "iso8859-15"
    return data.decode(best, "replace"), (f"is not UTF-8; read as {_NAMES[best]}",)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


def _repaired(text: str) -> tuple[str, str]:
    """The text with its mojibake undone line by line (a line that other signs keep from that stays), and the note."""
    lines = text.split("\n")
    failed = 0
    for index, line in enumerate(lines):
        if not _MOJIBAKE.search(line):
            continue
        try:
            lines[index] = _single_bytes(line).decode("utf-8")
        except UnicodeError:
            failed += 1
    note = "was UTF-8 saved as Windows-1252 (Ã© for é); repaired"
    return "\n".join(lines), f"{note}, but for {failed} lines: save it again as UTF-8" if failed else note


def _single_bytes(line: str) -> bytes:
    """Windows-1252 bytes of a line; the five that it leaves open (\\x81...) stand for themselves."""
    return b"".join(c.encode("latin-1") if "\x80" <= c <= "\x9f" else c.encode("cp1252") for c in line)
