"""The words that documents of a language are built with: what their headings, running heads, contents and citations say.

Plain pages (text, PDF) say nothing of their structure, so it is read off form and off these words. What a language leaves out is told by form
alone. Every field but ``divisions``, ``nouns`` and ``colon`` is a regular expression, alternatives without a group around them; case counts for nothing
in those that are single words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

NOTHING = "(?!)"


@dataclass(frozen=True)
class DocumentWords:
    """How documents name their parts, and what is no title.

    ``divisions``: words before a number or letter that name a part above articles, with their levels (1 the highest, 4). ``numbered``: what may
    stand there besides a number. ``article``: words before an article's number; ``series`` may open that number, ``ordinal`` and ``repeated``
    end it. ``contents`` opens a table of contents, ``opening`` names a section that stands before the numbered ones, ``page`` and ``of`` write
    a page's number, ``leaf`` is what counts pages and names no part, ``sheet`` (all that stands before the number) names one of many sheets
    that are filled in, ``answer`` opens the answer to a question, ``invite`` is what a page asks its reader only to be written to.

    What is no title: ``dated`` (a line that dates or numbers the text), ``issuer`` (who issued it), ``unfinished`` (words that none ends with),
    ``sentence`` (what opens a sentence), ``continues`` (words that go on a line), ``finite`` (verbs), ``imperative`` (what opens an order),
    but for ``nouns`` that look like one. ``cites``: words after which a line break stands before a cited number, not before a new article.
    ``refers`` marks a number as a reference to another part ("see article 3"), ``joins`` stands between two such numbers.
    ``colon`` joins a number and the title on the next line.
    """

    divisions: tuple[tuple[str, int], ...] = ()
    numbered: str = NOTHING
    article: str = NOTHING
    series: str = NOTHING
    ordinal: str = NOTHING
    repeated: str = NOTHING
    contents: str = NOTHING
    opening: str = NOTHING
    page: str = NOTHING
    of: str = NOTHING
    leaf: str = NOTHING
    sheet: str = NOTHING
    answer: str = NOTHING
    invite: str = NOTHING
    dated: str = NOTHING
    issuer: str = NOTHING
    unfinished: str = NOTHING
    sentence: str = NOTHING
    continues: str = NOTHING
    finite: str = NOTHING
    imperative: str = NOTHING
    nouns: frozenset[str] = frozenset()
    cites: str = NOTHING
    refers: str = NOTHING
    joins: str = NOTHING
    colon: str = ": "


# words before which a hyphen stands for the end of the word that follows them: "Strom- und Wasserverbrauch", "two- and three-year"
AFTER_HYPHEN = frozenset("and or und oder bzw sowie och og".split())

# what opens a text before its first section, in languages whose documents have no words here yet (German, Italian, Portuguese, Dutch, Polish)
OPENINGS = "pr[äa]ambel|vorwort|einleitung|preambolo|premessa|pre[âa]mbulo|pref[áa]cio|voorwoord|inleiding|preambu[łl]a|wst[ęe]p"

# what is read off the form of whole sentences, where one language's words would mislead another's reader
_SENTENCES = ("unfinished", "sentence", "continues", "finite", "imperative")


def names_of_all(every: Sequence[DocumentWords]) -> DocumentWords:
    """The names of parts in all of the languages, for a text in none of them or too short to tell; nothing of how sentences begin and end."""
    names: dict[str, Any] = {"divisions": tuple({word: level for words in every for word, level in words.divisions}.items())}
    for field in fields(DocumentWords):
        if field.name not in ("divisions", "nouns", "colon", *_SENTENCES):
            names[field.name] = "|".join(getattr(words, field.name) for words in every) or NOTHING
    names["opening"] = f"{names['opening']}|{OPENINGS}"
    return DocumentWords(**names)
