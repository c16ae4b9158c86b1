"""The page of ``train ask --serve``: a question, and each reader's passages in a column of its own.

It is one HTML document and one stylesheet, and runs no script: the form is sent as a plain GET. Questions, titles and passages are
data and are escaped. What the columns share is said at each passage: where the other reader has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triplette.console import html_text
from triplette.errors import InputError
from triplette.export.answers import PER, Found, Passage, Reader

COUNTS = (3, 5, 10, 20)
COUNT = 5
LONGEST = 1000  # characters of a question; models read less
PER_WORDS = {"passage": "every passage", "page": "best of a page", "section": "best of a section"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form sends: the question ("" at first), how many passages, of what, and whether the encoder ranks alone."""

    question: str = ""
    count: int = COUNT
    per: str = PER[0]
    dense: bool = False

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Asked:
        """The form's fields; one that is missing has its default. Raises InputError for a value that the form does not offer."""
        question, count, per = fields.get("q", "").strip(), fields.get("n", str(COUNT)), fields.get("per", PER[0])
        if len(question) > LONGEST:
            raise InputError(f"a question of {len(question)} characters", cure=f"ask in at most {LONGEST}")
        if count not in map(str, COUNTS) or per not in PER:
            raise InputError("no such number or kind of passages", cure="use the form's own choices")
        return cls(question, int(count), per, fields.get("dense") == "1")


def render(readers: Sequence[Reader], asked: Asked) -> str:
    """The page, with the readers' answers where there is a question."""
    title = asked.question or "Ask"
    body = _answers(readers, asked) if asked.question else _about(readers)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        f'<title>{html_text(title)}</title>\n<link rel="stylesheet" href="/page.css">\n</head>\n<body>\n'
        f"<header><h1>Ask the documents</h1>{_form(asked)}</header>\n<main>{body}</main>\n</body>\n</html>\n"
    )


def refused(words: str) -> str:
    """A page that says what was wrong with a request, and leads back."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Not answered</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        f'<link rel="stylesheet" href="/page.css">\n</head>\n<body>\n<main><p class="wrong">{html_text(words)}</p>'
        '<p><a href="/">Ask again</a></p></main>\n</body>\n</html>\n'
    )


def _form(asked: Asked) -> str:
    counts = "".join(f"<option{' selected' if n == asked.count else ''}>{n}</option>" for n in COUNTS)
    per = "".join(f'<option value="{name}"{" selected" if name == asked.per else ""}>{PER_WORDS[name]}</option>' for name in PER)
    return (
        '<form method="get" action="/" role="search"><label class="question">Question'
        f'<input name="q" type="search" maxlength="{LONGEST}" value="{html_text(asked.question)}" required autofocus autocomplete="off" dir="auto">'
        f'</label><label>Passages<select name="n">{counts}</select></label><label>Show<select name="per">{per}</select></label>'
        f'<label class="tick"><input name="dense" type="checkbox" value="1"{" checked" if asked.dense else ""}>encoder alone</label>'
        "<button>Ask</button></form>"
    )


def _about(readers: Sequence[Reader]) -> str:
    rows = "".join(f"<li><b>{html_text(reader.name)}</b> {html_text(reader.method)}</li>" for reader in readers)
    return f'<p>Answers come from:</p><ul class="about">{rows}</ul>'


def _answers(readers: Sequence[Reader], asked: Asked) -> str:
    found = [reader.find(asked.question, dense=asked.dense) for reader in readers]
    columns = []
    for number, (reader, mine) in enumerate(zip(readers, found, strict=True)):
        others = [(other.name, their) for other, their in zip(readers, found, strict=True) if other is not reader]
        passages = "".join(_passage(passage, mine, others, asked.dense) for passage in mine.best(asked.count, per=asked.per))
        head = f'<h2 id="reader-{number}">{html_text(reader.name)}</h2><p class="method">{html_text(reader.method)}</p>'
        answers = passages or "<p>There is no passage.</p>"
        columns.append(f'<section aria-labelledby="reader-{number}">{head}<ol>{answers}</ol></section>')
    return f'<div class="columns of-{len(columns)}">{"".join(columns)}</div>'


def _passage(passage: Passage, mine: Found, others: Sequence[tuple[str, Found]], dense: bool) -> str:
    whole = mine.rank_of(passage.chunk_id)  # among all passages; passage.rank counts only the best of a page or section
    pages = f", p. {passage.page_start}" + (f"–{passage.page_end}" if passage.page_end > passage.page_start else "")
    place = passage.source + (pages if passage.page_start else "")
    bm25 = (str(passage.bm25_rank), f"{passage.bm25_score:.2f}") if passage.bm25_rank else ("none", "no word of it")
    rows = [("BM25", *bm25), ("encoder", str(passage.dense_rank), f"{passage.dense_score:.3f}")]
    if not dense:
        rows.append(("fused", str(whole), f"{passage.score:.3f}"))
    table = "".join(f"<tr><th>{name}</th><td>{rank}</td><td>{score}</td></tr>" for name, rank, score in rows)
    refs = "".join(f"<li>see {html_text(ref)}</li>" for ref in passage.refs)
    beside = "".join(f'<p class="beside">{_beside(name, whole, their.rank_of(passage.chunk_id))}</p>' for name, their in others)
    return (
        f'<li><article><div class="head"><div><h3 dir="auto">{html_text(passage.title or "untitled")}</h3>'
        f'<p class="place">{html_text(place)}</p>{beside}</div>'
        f"<table><thead><tr><th></th><th>rank</th><th>score</th></tr></thead><tbody>{table}</tbody></table></div>"
        f'<p class="text" dir="auto">{html_text(passage.text.strip())}</p>{f"<ul>{refs}</ul>" if refs else ""}</article></li>'
    )


def _beside(name: str, mine: int, theirs: int) -> str:
    """Where another reader has a passage; the mark says which of the two has it higher, for those who see no colour too."""
    if not theirs:
        return f"not in {html_text(name)}"
    mark, tone = ("▲", "up") if mine < theirs else ("▼", "down") if mine > theirs else ("=", "same")
    return f'<span class="{tone}">{mark}</span> rank {theirs} in {html_text(name)}'
