"""Cross-references resolved to the passages that they name: "voir article 3.1.2" becomes the id of the passage where 3.1.2 begins.

A number is looked up in the citing document, or in the one whose title's first words stand beside it ("article 3.1.2 des règles
générales"). Where a number begins in several passages (each annex counts anew) the one with the longest common heading path is meant, then the
nearest. A number that nothing begins with is no reference: a wrong link is worse than none. The words that mark one are the language's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from triplette.languages import document_words, language

if TYPE_CHECKING:
    import pyarrow as pa

BESIDE = 70  # characters before and after a number in which another document's title may stand
CLOSE = 25  # characters after a number in which a title of one word ("des statuts") may stand
TITLE_WORDS = 2  # of a longer title that must stand there: one of them alone ("règlement") names too many documents
_NUMBER = r"(?:[A-Z]\.?)?\d{1,3}+(?:\.\d{1,3}+){0,5}+"
Numbers = dict[str, list[int]]


def resolve_references(chunks: pa.Table) -> pa.Table:
    """The chunks, as a table, with ``refs``: ids of the passages that each names, in the order of their naming, without itself.

    Texts are looked at a block of the table at a time, for together they may be as large as the memory.
    """
    import pyarrow as pa

    ids, titles, sources, codes, articles = (chunks[name].to_pylist() for name in ("id", "title", "source", "language", "articles"))
    begins: dict[str, Numbers] = defaultdict(lambda: defaultdict(list))
    for place, numbers in enumerate(articles):
        for number in numbers:
            begins[sources[place]][_plain(number)].append(place)
    documents = _Titles(sources, titles, codes)
    texts = (text for block in chunks["text"].chunks for text in block.to_pylist())
    found: list[list[str]] = []
    for place, text in enumerate(texts):
        named: dict[str, None] = {}
        for number, beside, after in references(text, codes[place]):
            source = documents.named(beside, after, codes[place]) or sources[place]
            places = [other for other in begins[source].get(_plain(number), ()) if other != place]
            own = place in begins[source].get(_plain(number), ())
            if places and not (own and source == sources[place]):
                nearest = min(places, key=lambda other: (-_shared(titles[other], titles[place]), abs(other - place), other))
                named[ids[nearest]] = None
        found.append(list(named))
    column = chunks.schema.get_field_index("refs")
    return chunks.set_column(column, chunks.schema.field(column), pa.array(found, chunks.schema.field(column).type))


def references(text: str, code: str) -> Iterator[tuple[str, str, str]]:
    """(number, what stands around it, what stands just after it) of each reference in a text: a marking word, a number, further numbers."""
    marked, joined = _patterns(code)
    for match in marked.finditer(text):
        end = match.end()
        numbers = [match.group(1)]
        while more := joined.match(text, end):
            numbers.append(more.group(1))
            end = more.end()
        beside = text[max(0, match.start() - BESIDE) : end + BESIDE]
        for number in numbers:
            yield number, beside, text[end : end + CLOSE]


@lru_cache(maxsize=64)
def _patterns(code: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    words = document_words(code)
    marked = re.compile(rf"(?i:\b(?:{words.refers})|§)\s*({_NUMBER})(?!\d|\s?(?:%|€))")
    return marked, re.compile(rf"\s*(?:,|(?i:\b(?:{words.joins})\b))\s*(?i:(?:{words.refers})\s*)?({_NUMBER})(?!\w|\s?(?:%|€))")


class _Titles:
    """The corpus's documents by the first words of their titles."""

    def __init__(self, sources: Sequence[str], titles: Sequence[str], codes: Sequence[str]) -> None:
        self._by_words: dict[tuple[str, ...], str] = {}
        first: dict[str, tuple[str, str]] = {}
        for source, title, code in zip(sources, titles, codes, strict=True):
            first.setdefault(source, (title.split(" > ")[0], code))
        shared: set[tuple[str, ...]] = set()
        for source, (title, code) in sorted(first.items()):
            words = tuple(language(code).tokens(title))
            for count in range(min(TITLE_WORDS, len(words)) or 1, len(words) + 1):
                if words[:count] in self._by_words:
                    shared.add(words[:count])
                self._by_words[words[:count]] = source
        for words in shared:  # two documents begin so: it names neither
            del self._by_words[words]
        self._longest = max(map(len, self._by_words), default=0)

    def named(self, text: str, after: str, code: str) -> str:
        """The document whose title begins like words of ``text``, by the longest such beginning, or is one word of ``after``; "" for none."""
        words = language(code).tokens(text)
        best: tuple[str, ...] = next(((word,) for word in language(code).tokens(after) if (word,) in self._by_words), ())
        for start in range(len(words)):
            for count in range(max(TITLE_WORDS, len(best) + 1), min(self._longest, len(words) - start) + 1):
                if tuple(words[start : start + count]) in self._by_words:
                    best = tuple(words[start : start + count])
        return self._by_words.get(best, "")


def _plain(number: str) -> str:
    """A number as it is compared: no blanks, no stop at its end, none after an opening letter."""
    bare = re.sub(r"\s", "", number).strip(".")
    return bare[0] + bare[2:] if bare[1:2] == "." and bare[:1].isalpha() else bare


def _shared(one: str, other: str) -> int:
    """Parts of two heading paths that are the same, from the outermost."""
    count = 0
    for left, right in zip(one.split(" > "), other.split(" > "), strict=False):
        if left != right:
            break
        count += 1
    return count
