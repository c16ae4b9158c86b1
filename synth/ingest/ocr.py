"""Pages that are only pictures, read by tesseract where it is installed (Debian: ``apt-get install tesseract-ocr tesseract-ocr-fra``).

The program is called, no Python package is needed. It was chosen by measuring on a French page at 200 dpi: tesseract 5.3 gives 99.7 % of the
words and every accented one, RapidOCR 1.4 with the models in its wheel 74.8 % and 20.5 % (docs/experiments.md).
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from functools import cache
from typing import Any

from triplette.synth.ingest.pdf_chars import Piece

PROGRAM = "tesseract"
WANTED = ("fra", "eng")  # languages asked for, of those that are installed
DPI = 300  # what tesseract is trained for
SECONDS = 180  # a page takes two to twenty
LEADING = 12.0  # points that a line of recognised text takes: its places are not kept
SIZE = 10.0  # points, where no other page says how large the text is


@cache
def languages() -> str:
    """The languages that tesseract reads here, as it wants them ("fra+eng"); "" where it is not installed."""
    if shutil.which(PROGRAM) is None:
        return ""
    listed = subprocess.run([PROGRAM, "--list-langs"], capture_output=True, text=True, timeout=SECONDS, check=False)
    installed = set(listed.stdout.split())
    return "+".join(name for name in WANTED if name in installed)


def recognised(page: Any) -> list[Piece]:
    """The lines of a pypdfium2 page's picture from top to bottom; [] when nothing is recognised in it or it takes too long."""
    picture = io.BytesIO()
    page.render(scale=DPI / 72, grayscale=True).to_pil().save(picture, "PNG")
    command = [PROGRAM, "stdin", "stdout", "-l", languages(), "--dpi", str(DPI)]
    alone = {**os.environ, "OMP_THREAD_LIMIT": "1"}  # documents are read in parallel, and its threads gain little
    try:
        done = subprocess.run(command, input=picture.getvalue(), capture_output=True, timeout=SECONDS, check=False, env=alone)
    except subprocess.TimeoutExpired:
        return []
    lines = done.stdout.decode("utf-8", "replace").replace("\f", "").split("\n")
    width, height = page.get_size()
    top = max(height, LEADING * (len(lines) + 1))
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            found.append(Piece(" ".join(line.split()), 0.0, width, top - LEADING * number, SIZE, bold=False))
    return found
