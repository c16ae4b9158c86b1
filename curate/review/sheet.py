"""A spreadsheet as a desk: CSV out, CSV in, for reviewing without any server.

Written for Excel and LibreOffice in a French locale: UTF-8 with a byte order mark, semicolons. A cell that a spreadsheet would
take for a formula is written with an apostrophe before it, which reading takes off again. Comma, semicolon and tab files are read.
The line under the header says what may be written in each column; reading leaves it out.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from triplette.curate.review import labels
from triplette.curate.review.answers import Answer
from triplette.curate.review.desk import Advance, Pulled, Pushed
from triplette.curate.review.rows import ReviewRow
from triplette.errors import InputError
from triplette.profile.shape import Review
from triplette.tables import write_text

FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")  # what starts a formula, and the mark itself
TO_FILL = (labels.VERDICT, labels.ISSUES, labels.HARDNESS, labels.REWRITE, "reviewer")
BEFORE = ("triplet_id", "why", "kind", "source", "judge", "judge_score")
HIDDEN = ("question_id", "negative_ids", "suggested")
LEGEND = "#"  # instead of a triplet's id, in the line that says what may be written
CELL_LIMIT = 32_767  # characters that a cell of Excel holds


@dataclass(frozen=True, slots=True)
class SheetDesk:
    """A CSV file. ``reviewer`` answers where the column of that name is empty."""

    path: Path
    reviewer: str = ""
    replace: bool = False
    review: Review = field(default_factory=Review)

    next_step: ClassVar[str] = "Fill the columns verdict, issues, hardness, rewrite and reviewer"

    @property
    def answered(self) -> Path:
        """What comes back: the same file."""
        return self.path

    def push(self, rows: Sequence[ReviewRow], *, negatives: int, known: frozenset[str], prune: bool, advance: Advance) -> Pushed:
        """Write the file. Answers in a file that is there are not overwritten: that is an error unless ``replace``."""
        if self.path.exists() and not self.replace:
            raise InputError("already exists", where=str(self.path), cure="give another path, or --force to replace it")
        head = header(negatives)
        stream = io.StringIO()
        writer = csv.DictWriter(stream, head, delimiter=";", lineterminator="\r\n", restval="")
        writer.writeheader()
        writer.writerow(_legend(negatives, self.review))
        for row in rows:
            writer.writerow({name: guard(text) for name, text in _cells(row).items()})
            advance(1)
        write_text(self.path, "\ufeff" + stream.getvalue())
        return Pushed(len(rows), 0, 0, 0, 0, str(self.path))

    def pull(self, since: Mapping[str, str]) -> Pulled:
        """The file's filled rows as answers. Raises InputError with the line for what cannot be understood."""
        moment = datetime.fromtimestamp(self.path.stat().st_mtime, UTC).isoformat(timespec="seconds") if self.path.exists() else ""
        answers = []
        empty = 0
        for line, cells in read_sheet(self.path):
            if not cells[labels.VERDICT].strip():
                empty += 1
                continue
            answers.append(_answer(cells, f"{self.path}:{line}", self.reviewer, moment, self.review))
        keys = [answer.key for answer in answers]
        doubled = next((key for key in keys if keys.count(key) > 1), None)
        if doubled is not None:
            raise InputError(f"{doubled[1]} answers {doubled[0]} twice", where=str(self.path), cure="keep one of the two rows")
        return Pulled(tuple(answers), skipped={"unanswered": empty})


def header(negatives: int) -> list[str]:
    """The columns, in order: what to fill stands right after what to read."""
    numbered = [labels.negative_field(n) for n in range(1, negatives + 1)]
    return [*BEFORE, "question", "positive", *numbered, *TO_FILL, *HIDDEN]


def _legend(negatives: int, review: Review) -> dict[str, str]:
    """What each column to fill takes, in the words of the profile."""
    return {
        "triplet_id": LEGEND,
        labels.VERDICT: " | ".join(labels.words(labels.VERDICTS, review).values()),
        labels.ISSUES: " | ".join(labels.issues(negatives, review).values()),
        labels.HARDNESS: f"{labels.HARDNESS_VALUES[0]}-{labels.HARDNESS_VALUES[-1]}",
    }


def guard(text: str) -> str:
    """A cell that no spreadsheet runs, and none cuts."""
    text = text[: CELL_LIMIT - 1]
    return f"'{text}" if text.startswith(FORMULA) else text


def unguard(text: str) -> str:
    """A cell as it was before ``guard``."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


def _cells(row: ReviewRow) -> dict[str, str]:
    suggested = {suggestion.question: " | ".join(suggestion.values) for suggestion in row.suggestions}
    cells = {name: str(row.metadata.get(name, "")) for name in BEFORE if name != "triplet_id"}
    ticked = suggested.get(labels.ISSUES, "")
    return {
        **cells,
        **row.fields(),
        "triplet_id": row.triplet_id,
        labels.ISSUES: ticked,
        "question_id": row.question_id,
        "negative_ids": " ".join(row.negative_ids),
        "suggested": ticked,
    }


def read_sheet(path: Path) -> Iterable[tuple[int, dict[str, str]]]:
    """(line, cells) of a CSV with comma, semicolon or tab, in UTF-8 (with or without mark), UTF-16 with its mark or Windows-1252."""
    if not path.exists():
        raise InputError("no such file", where=str(path), cure="`curate review export` writes one")
    text = _text(path.read_bytes(), path)
    delimiter = max(";,\t", key=text.split("\n", 1)[0].count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names = _names(reader, path)
    missing = [name for name in ("triplet_id", "question", *TO_FILL[:4], *HIDDEN) if name not in names]
    if missing:
        raise InputError(
            f"lacks the columns {', '.join(missing)}",
            where=str(path),
            cure="keep the columns that `curate review export` wrote, the last ones too",
        )
    try:
        for cells in reader:
            if (cells.get("triplet_id") or "").strip() == LEGEND:
                continue
            yield reader.line_num, {name: unguard(cells.get(name) or "") for name in names}
    except csv.Error as error:
        raise _not_csv(error, path, reader.line_num) from None


def _names(reader: csv.DictReader[str], path: Path) -> Sequence[str]:
    try:
        return reader.fieldnames or []
    except csv.Error as error:
        raise _not_csv(error, path, 1) from None


def _text(raw: bytes, path: Path) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace")  # what Excel's "Unicode text" makes of it
    if b"\0" in raw:
        raise InputError("is no text: a workbook, or damaged", where=str(path), cure="save the sheet as CSV")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")  # what Excel's plain "CSV" makes of it


def _not_csv(error: csv.Error, path: Path, line: int) -> InputError:
    return InputError(f"not CSV: {error}", where=f"{path}:{line}", cure="save it as CSV again")


def _answer(cells: Mapping[str, str], where: str, reviewer: str, moment: str, review: Review) -> Answer:
    named = cells.get("reviewer", "").strip() or reviewer
    if not named:
        raise InputError("this row names no reviewer", where=where, cure="fill the column reviewer, or give --reviewer NAME")
    negative_ids = tuple(cells["negative_ids"].split())
    return Answer(
        triplet_id=cells["triplet_id"].strip(),
        reviewer=named,
        verdict=labels.read_verdict(cells[labels.VERDICT], where, review),
        hardness=labels.read_hardness(cells[labels.HARDNESS], where),
        issues=labels.read_issues(cells[labels.ISSUES].split("|"), len(negative_ids), where, review),
        suggested=labels.read_issues(cells["suggested"].split("|"), len(negative_ids), where, review),
        rewrite=cells[labels.REWRITE],
        question_id=cells["question_id"].strip(),
        question=cells["question"],
        negative_ids=negative_ids,
        answered_at=moment,
        desk="csv",
    )
