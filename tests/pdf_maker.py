"""PDFs made of their syntax alone: text at places, in two faces, turned, with rules, pictures, form values and a title."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

WIDTH, HEIGHT = 595, 842
FONTS = {"F1": "Helvetica", "F2": "Helvetica-Bold"}


@dataclass
class Page:
    """A page's drawing operators, in the order in which they are drawn."""

    operators: list[str] = field(default_factory=list)
    picture: bool = False
    fields: list[tuple[str, float, float, str]] = field(default_factory=list)
    boxes: list[tuple[float, float, bool]] = field(default_factory=list)  # check boxes of ten points, ticked or not
    rotate: int = 0

    def text(
        self, x: float, y: float, text: str, size: float = 10, *, bold: bool = False, turned: bool = False, face: str = ""
    ) -> Page:
        """Draw a text on its baseline; ``face`` is a font's name in the page."""
        matrix = f"0 1 -1 0 {x} {y}" if turned else f"1 0 0 1 {x} {y}"
        shown = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        self.operators.append(f"BT /{face or ('F2' if bold else 'F1')} {size} Tf {matrix} Tm ({shown}) Tj ET")
        return self

    def lines(self, x: float, y: float, lines: Sequence[str], size: float = 10, leading: float = 12) -> Page:
        """Draw lines one under the other."""
        for number, line in enumerate(lines):
            self.text(x, y - number * leading, line, size)
        return self

    def rule(self, x0: float, y0: float, x1: float, y1: float) -> Page:
        """Draw a line."""
        self.operators.append(f"{x0} {y0} m {x1} {y1} l S")
        return self

    def grid(self, xs: Sequence[float], ys: Sequence[float]) -> Page:
        """Draw the rules of a table."""
        for x in xs:
            self.rule(x, ys[0], x, ys[-1])
        for y in ys:
            self.rule(xs[0], y, xs[-1], y)
        return self


def write_pdf(
    path: Path, pages: Sequence[Page], *, title: str = "", fonts: Mapping[str, str] = MappingProxyType({}), letters: str = ""
) -> Path:
    """Write the pages; accents must be in Windows-1252.

    ``fonts`` are further ones, by their names in the page. "FL" is a font whose codes from "!" on stand for ``letters`` (see ``coded``).
    """
    objects: list[bytes] = [b"", b""]

    def add(content: str | bytes) -> int:
        objects.append(content.encode("cp1252") if isinstance(content, str) else content)
        return len(objects)

    faces = " ".join(
        f"/{name} {add(f'<< /Type /Font /Subtype /Type1 /BaseFont /{base} /Encoding /WinAnsiEncoding >>')} 0 R"
        for name, base in {**FONTS, **fonts}.items()
    )
    if letters:
        pairs = " ".join(f"<{0x21 + at:02X}> <{ord(letter):04X}>" for at, letter in enumerate(letters))
        stands = f"1 begincodespacerange <00> <FF> endcodespacerange {len(letters)} beginbfchar {pairs} endbfchar"
        names = add(f"<< /Length {len(stands)} >>\nstream\n{stands}\nendstream")
        widths = f"/FirstChar 33 /LastChar {32 + len(letters)} /Widths [{'800 ' * len(letters)}]"  # no known font's name: its widths would count
        faces += f" /FL {add(f'<< /Type /Font /Subtype /Type1 /BaseFont /Own {widths} /ToUnicode {names} 0 R >>')} 0 R"
    image = add(
        b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 1 >>\nstream\n\x80\nendstream"
    )
    kids: list[int] = []
    fields: list[int] = []
    for page in pages:
        operators = [*page.operators, f"q {WIDTH} 0 0 {HEIGHT} 0 0 cm /I Do Q"] if page.picture else page.operators
        stream = "\n".join(operators).encode("cp1252")
        content = add(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        widgets = [_field(add, faces, *item) for item in page.fields] + [_box(add, faces, *item) for item in page.boxes]
        fields += widgets
        kids.append(
            add(
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Rotate {page.rotate} /Contents {content} 0 R "
                f"/Annots [{' '.join(f'{n} 0 R' for n in widgets)}] /Resources << /Font << {faces} >> /XObject << /I {image} 0 R >> >> >>"
            )
        )
    form = f"/AcroForm << /Fields [{' '.join(f'{n} 0 R' for n in fields)}] /DR << /Font << {faces} >> >> >>" if fields else ""
    objects[0] = f"<< /Type /Catalog /Pages 2 0 R {form} >>".encode()
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(f'{n} 0 R' for n in kids)}] >>".encode()
    about = add(f"<< /Title ({title}) >>")
    body = bytearray(b"%PDF-1.4\n")
    places = []
    for number, content_bytes in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content_bytes)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(b"%010d 00000 n \n" % place for place in places)
    body += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, about, start)
    path.write_bytes(body)
    return path


def coded(text: str, letters: str) -> str:
    """A text in the codes of the font "FL"."""
    return "".join(chr(0x21 + letters.index(letter)) for letter in text)


def _field(add, fonts: str, name: str, x: float, y: float, value: str) -> int:  # type: ignore[no-untyped-def]
    """A text field whose value is drawn as a viewer draws it."""
    drawn = f"/Tx BMC BT /F1 10 Tf 2 4 Td ({value}) Tj ET EMC".encode("cp1252")
    look = add(
        f"<< /Type /XObject /Subtype /Form /BBox [0 0 200 16] /Resources << /Font << {fonts} >> >> /Length {len(drawn)} >>\nstream\n".encode()
        + drawn
        + b"\nendstream"
    )
    return int(
        add(
            f"<< /Type /Annot /Subtype /Widget /FT /Tx /F 4 /T ({name}) /V ({value}) /DA (/F1 10 Tf) /Rect [{x} {y} {x + 200} {y + 16}] "
            f"/AP << /N {look} 0 R >> >>"
        )
    )


def _box(add, fonts: str, x: float, y: float, ticked: bool) -> int:  # type: ignore[no-untyped-def]
    """A check box that draws a "4" when ticked, as Zapf's Dingbats do, and nothing when not."""
    looks = [
        add(f"<< /Type /XObject /Subtype /Form /BBox [0 0 10 10] /Resources << /Font << {fonts} >> >> /Length {len(drawn)} >>\nstream\n{drawn}\nendstream")
        for drawn in ("BT /F1 8 Tf 2 2 Td (4) Tj ET", "q Q")
    ]  # fmt: skip
    state = "/Yes" if ticked else "/Off"
    return int(
        add(
            f"<< /Type /Annot /Subtype /Widget /FT /Btn /F 4 /T (b{x}{y}) /V {state} /AS {state} /Rect [{x} {y} {x + 10} {y + 10}] "
            f"/AP << /N << /Yes {looks[0]} 0 R /Off {looks[1]} 0 R >> >> >>"
        )
    )
