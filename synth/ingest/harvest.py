"""Questions that a document itself asks and answers: a FAQ's own.

They stand in headings (buttons, <summary>, <dt> and lines in bold among them, which the readers make headings), on lines that begin "Q :", in
tables beside their answers, and in a document with several as lines of their own. One counts only where its answer follows. A page that lists its
questions at the top, without their answers, gives none there, and one that only asks to be written to is none.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from triplette.languages import document_words, written_out
from triplette.records import UNKNOWN, Chunk, Question
from triplette.synth.ingest.document import Block

PROVIDER = "document"
PROMPT = "harvest-2"
FILE = "harvest.parquet"
WORDS_MIN, WORDS_MAX = 3, 60  # of a question: "Quand ?" cannot stand alone, a longer text is a case and no question
ANSWER_MIN = 3  # words of an answer: "Voir ci-dessous" answers nothing
LINES_MIN = 2  # questions of a document of which one may be a line: a lone one in prose is rhetoric
ANSWER_KEPT = 300  # characters of it that find its passage again
_ASKED = re.compile(r"^[-•]?\s*(?:Q|Question)\s?\d{0,3}\s?[.:)–-]\s*(.{5,500}?\?)\s*(.*)$", re.DOTALL | re.IGNORECASE)
_ANSWERED = re.compile(
    rf"^[-•]?\s*(?:{'|'.join(document_words(code).answer for code in written_out())})\s?\d{{0,3}}\s?[.:)–-]\s*(\S.*)$",
    re.DOTALL | re.IGNORECASE,
)
_INVITES = re.compile("|".join(document_words(code).invite for code in written_out()), re.IGNORECASE)
_NUMBERED = re.compile(r"^(\d{1,3}(?:\.\d{1,3})*\s?[.)–-]\s*[^?]{5,500}\?)\s+(\S.*)$", re.DOTALL)
_NUMBER = re.compile(r"^(?:(?:Q|Question)\s?\d{0,3}\s?[.:)–-]\s*|\d{1,3}(?:\.\d{1,3})*\s?[.)–:-]?\s+|[a-z]\)\s+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Harvested:
    """A question of a document. ``form`` is ``heading``, ``pair``, ``table`` or ``line``; ``answer`` is how its answer begins,
    ``language`` the passage's.
    """

    chunk_id: str
    source: str
    question: str
    answer: str
    form: str
    language: str

    def as_question(self) -> Question:
        """The question as one of the run's, told from written ones by its writer."""
        return Question.make(
            chunk_id=self.chunk_id,
            text=self.question,
            kind=UNKNOWN,
            persona=UNKNOWN,
            difficulty=UNKNOWN,
            provider=PROVIDER,
            model=self.form,
            prompt=PROMPT,
            cost=0.0,
        )


def harvest(blocks: Sequence[Block], chunks: Sequence[Chunk]) -> list[Harvested]:
    """The questions of one document with the chunks that hold (the beginning of) their answers, each question once."""
    found: dict[str, Harvested] = {}
    asked = list(_asked(blocks))
    several = len(asked) >= LINES_MIN
    chunks = sorted(chunks, key=lambda chunk: chunk.char_start)
    starts = [chunk.char_start for chunk in chunks]
    reached = list(itertools.accumulate((_end(chunk) for chunk in chunks), max))
    for question, answer, block, form in asked:
        near = chunks[bisect_right(reached, block.char_start) : bisect_right(starts, block.char_start)]
        chunk = _holding(near, block, answer)
        if chunk is not None and (form != "line" or several):
            found.setdefault(question.lower(), Harvested(chunk.id, chunk.source, question, answer, form, chunk.language))
    return list(found.values())


def _asked(blocks: Sequence[Block]) -> Iterator[tuple[str, str, Block, str]]:
    """(question, answer's beginning, the answer's block, form), in their order."""
    before: tuple[str, ...] = ()
    for place, block in enumerate(blocks):
        shared = next(
            (i for i, (a, b) in enumerate(zip(before, block.headings, strict=False)) if a != b), min(len(before), len(block.headings))
        )
        for heading in block.headings[shared:]:
            question = _question(heading)
            if question and _answers(block.text) and not _question(block.text):
                yield question, _bare_answer(block.text), block, "heading"
        before = block.headings
        following = blocks[place + 1] if place + 1 < len(blocks) else None
        if block.kind == "table":
            yield from _rows(block)
            continue
        pair = _ASKED.match(block.text)
        if pair:
            yield from _pair(pair, block, following)
        else:
            yield from _line(block, blocks[place - 1] if place else None, following)


def _rows(block: Block) -> Iterator[tuple[str, str, Block, str]]:
    """The questions of a table whose answers stand in the next column."""
    for line in block.text.split("\n"):
        cells = line.strip("| ").split(" | ")
        for cell, answer in itertools.pairwise(cells):
            question = _question(cell)
            if question and _answers(answer) and not _question(answer):
                yield question, answer[:ANSWER_KEPT], block, "table"
                break


def _line(block: Block, before: Block | None, following: Block | None) -> Iterator[tuple[str, str, Block, str]]:
    """A question that is a block of its own, between an answer and its own; or one with a number, before its answer in one block."""
    question = _sentence(block.text)
    if question:
        alone = before is None or before.headings != block.headings or not _question(before.text)
        if alone and following is not None and _follows(block, following):
            yield question, _bare_answer(following.text), following, "line"
        return
    numbered = _NUMBERED.match(block.text)
    question = _sentence(numbered.group(1)) if numbered else ""
    if numbered and question and _answers(numbered.group(2)):
        yield question, numbered.group(2)[:ANSWER_KEPT], block, "line"


def _sentence(text: str) -> str:
    """The text as a question of one sentence, or "": a case that ends in one is no question of a FAQ."""
    question = _question(text)
    return "" if re.search(r"[.!?] ", question) else question


def _follows(question: Block, block: Block) -> bool:
    """Whether a block beside a question answers it."""
    same = block.headings == question.headings and block.kind in ("paragraph", "item")
    return same and _answers(block.text) and not _question(block.text) and not _ASKED.match(block.text)


def _bare_answer(text: str) -> str:
    """How an answer begins, without its "R :"."""
    answer = _ANSWERED.match(text)
    return (answer.group(1) if answer else text)[:ANSWER_KEPT]


def _pair(pair: re.Match[str], block: Block, following: Block | None) -> Iterator[tuple[str, str, Block, str]]:
    """A "Q :" line with its "R :", in the same block or at the beginning of the next."""
    question, rest = _question(pair.group(1)), pair.group(2)
    holder, text = (block, rest) if rest.strip() or following is None else (following, following.text)
    answer = _ANSWERED.match(text)
    if question and answer and _answers(answer.group(1)):
        yield question, answer.group(1)[:ANSWER_KEPT], holder, "pair"


def _question(text: str) -> str:
    """The text as a question without its number, or "" when it is none."""
    bare = " ".join(_NUMBER.sub("", text.strip()).split())
    bare = bare.removeprefix("- ")
    return (
        ""
        if _INVITES.fullmatch(bare.rstrip("?").strip())
        else bare
        if bare.endswith("?") and WORDS_MIN <= len(re.findall(r"\w+", bare)) <= WORDS_MAX
        else ""
    )


def _answers(text: str) -> bool:
    return len(re.findall(r"\w+", text)) >= ANSWER_MIN


def _end(chunk: Chunk) -> int:
    return max(chunk.char_end, chunk.char_start + 1)


def _holding(chunks: Sequence[Chunk], block: Block, answer: str) -> Chunk | None:
    """The first chunk over the block's place that holds the answer's beginning."""
    over = [chunk for chunk in chunks if chunk.char_start <= block.char_start < _end(chunk)]
    opening = answer[:40]
    return next((chunk for chunk in over if opening in chunk.text), over[0] if over else None)
