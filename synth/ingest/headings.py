"""Which line of a plain page is a heading, and at which level.

Plain text says nothing of headings, so they are told by numbering ("2.3. Le transfert", "ARTICLE 6 :"), form (short, no final stop,
capitals) and the words that documents of the language are built with (``languages.documents``). A heading that is missed costs a chunk its
context; a false one gives every chunk after it a wrong context. So doubt says no.
"""

from __future__ import annotations

import re
from functools import lru_cache

from triplette.languages import document_words
from triplette.languages.documents import DocumentWords

HEADING_LIMIT = 110  # characters
WRAP_SHARE = 0.75  # of the usual line width: a shorter line that ends a sentence ends its paragraph
TITLE_ZONE = 12  # lines of the first page that may hold the document's title
FIRST_LINE = 60  # characters: a longer first line is prose
ARTICLE_LEVEL = 5
PLAIN_LEVEL = 20  # a title line without number or capitals stands below every numbered one

NUMBER = re.compile(r"^\s*((?:[A-Z]\.?)?\d{1,3}(?:\.\d{1,3}){0,5}(?:\.?[a-z]\)?)?)(\.|\)|\s*[-–:])?\s*(.*)$")
BULLET = re.compile(r"^\s*(?:[•▪●◦‣·➢➔⇒✓■□\uf000-\uf0ff*–-]|o(?=\s))\s*(?=\S|$)")
_NAMED = re.compile(r"\s*[:–—-]\s*[^\W\d_]")  # a name follows the number: "Annexe D : Règles..."
_INNER_END = re.compile(r"\d.*[^\W\d_]{2,}[.!?]\s+\S")  # a sentence ends behind the number and another begins
FINAL = re.compile(r"[.!?;:…»)]\s*$")
_ARTICLE_TITLE = re.compile(r"[^\W\d_]{3,}.*?[\s:–-].*[^\W\d_]{3,}")
_WORD = re.compile(r"\b[^\W\d_]{3,}\b")
_SHORT_NAME = re.compile(
    r"\s*\d{1,3}(?:\.\d{1,3})+\.?[a-z]\)\s+(?=\w*[A-Z])[A-Z0-9]{2,4}\s*$"
)  # "1.2.b) N1F": a section of a section, and no cell
_LETTER = re.compile(r"[a-z][).]\s")  # a list begins
# "§ 3 Beiträge", "§ 3a. (Beiträge)", "§ 3" over its name: statutes of many languages; "§ 3 Abs. 2" and "§ 3 BGB" cite one
_PARAGRAPH = re.compile(r"^\s*§{1,2}\s*(\d{1,4}[a-z]?(?:\s?[-–]\s?\d{1,4}[a-z]?)?)(?!\w)\s*[.:–-]?\s*(.*)$")
_PART_CITED = re.compile(r"(?:Abs|Absatz|Absätze|Satz|Nr|Nummer|Art|Ziff|Buchst)\b|[A-Z]{2,4}\b|[A-Z][a-z]{1,3}[A-Z]{1,2}\b|\W*$")


@lru_cache(maxsize=64)
def headings_of(code: str) -> Headings:
    """What headings look like in the documents of a language."""
    return Headings(document_words(code))


class Headings:
    """The forms of headings with one language's words; built once a language."""

    def __init__(self, words: DocumentWords) -> None:
        def small(pattern: str) -> re.Pattern[str]:
            return re.compile(pattern, re.IGNORECASE)

        names = "|".join(word for word, _ in words.divisions) or "(?!)"
        self._levels = dict(words.divisions)
        self._nouns = words.nouns
        self._colon = words.colon
        self.named = small(rf"^\s*({names})\b")
        self.division = re.compile(rf"^\s*((?i:{names}))\s+(?:\d[\w.]*|[IVXLC]+(?:er)?\b|[A-Z]\b|{words.numbered})")
        number = rf"(?:{words.series})?\d+(?:(?:{words.ordinal})\b)?(?:[.-]\d+)*(?:{words.repeated})?"
        self.article = small(rf"^\s*(?:{words.article})\s+({number})\s*[.:–-]*\s*(.*)$")
        self._ordinal = small(rf"(?:{words.ordinal})$")
        # what no title ends with, and what opens a sentence or a list item rather than a title
        self._unfinished = small(rf"(?:{words.unfinished})$")
        self._sentence = re.compile(rf"^(?:{words.sentence})")
        self._continues = small(rf"^(?:[➔⇒•]|(?:{words.continues})\b)")
        self._finite = small(rf"\b(?:{words.finite})\b")
        self._imperative = re.compile(rf"^(?:{words.imperative})")
        self._opening = small(rf"(?:{words.opening})\W*")
        # a line of the first page that dates or numbers the text, or says who issued it, is not its title
        self._dated = small(rf"\d{{2}}[/.]\d{{2}}[/.]\d{{2,4}}|\b(?:{words.dated})\b|\d+/\d+")
        self._issuer = small(rf"^(?:{words.issuer})")
        self._cites = small(rf"(?:\b(?:{words.cites})|[,(–-])\s*$")

    def cites(self, before: str) -> bool:
        """Whether a line ends in words after which a number is a cited article's, not a new one's."""
        return bool(self._cites.search(before))

    def document_title(self, lines: list[str], running: list[str]) -> str:
        """The document's title, from the first page's lines (``running``: those that repeat on later pages), or "".

        The last line of capitals before the text begins (two in a row are one title), else the first running head, else a short first
        line; neither a date, a number nor the issuer's name.
        """
        solid = [line.strip() for line in lines if line.strip()][:TITLE_ZONE]
        begins = next((i for i, line in enumerate(solid) if self._begins(line) or self.is_opening(line)), len(solid))
        found = [i for i, line in enumerate(solid[:begins]) if is_capitals(line) and self._titled(line)]
        if found:
            last = found[-1]
            pair = f"{solid[last - 1]} {solid[last]}"
            joined = last - 1 in found and letters(solid[last - 1]) != letters(solid[last]) and len(pair) < HEADING_LIMIT
            title = tidy(pair if joined else solid[last])
            after = solid[last + 1] if last + 1 < begins else ""
            return self.wrapped_title(ARTICLE_LEVEL, title, after, FIRST_LINE) or title  # "RÈGLEMENT" over "DE LA SALLE"
        first = [line for line in solid[: min(begins, 3)] if len(line) <= FIRST_LINE and not FINAL.search(line)]
        return next((tidy(line) for line in [*running, *first] if self._titled(line) and len(_WORD.findall(line)) >= 2), "")

    def _begins(self, line: str) -> bool:
        """A numbered title or a line of prose: the text has begun."""
        return len(line) > HEADING_LIMIT or bool(
            self.division.match(line)
            or self.article.match(line)
            or _PARAGRAPH.match(line)
            or (NUMBER.match(line) and _WORD.search(line))
        )

    def _titled(self, line: str) -> bool:
        return (
            bool(_WORD.search(line))
            and not self.is_opening(line)
            and not any(p.search(line) for p in (self._dated, self._issuer, self._unfinished))
            and not NUMBER.match(line)
        )

    def is_opening(self, text: str) -> bool:
        """Whether a title is that of a section that opens a text ("Préambule")."""
        return bool(self._opening.fullmatch(text.strip()))

    def typed_title(self, text: str) -> bool:
        """Whether a line that is set as a heading reads like one: no end of a sentence, nothing left open."""
        bare = text.strip()
        if len(bare) > 2 * HEADING_LIMIT or not _WORD.search(bare) or bare.endswith((";", ",", "-", "=")):
            return False
        if bare[:1].islower() or bare[:1] in "([":
            return False
        return not (bare.endswith(".") and not _numbered_only(bare)) and not self._unfinished.search(bare)

    def marked(self, text: str, following: str = "x") -> tuple[int, str]:
        """(level, title) of a line that is set as a heading or underlined like one: by its number, whatever it says."""
        return self.heading(text, following, "", 10_000, said=False)

    def heading(self, text: str, following: str, before: str, width: int, *, said: bool = True) -> tuple[int, str]:
        """(level, title) when a line is a heading, else (0, "").

        ``following`` is the next line with text ("" at the end), ``before`` the open paragraph's last line ("" when none is
        open), ``width`` the page's usual line length, ``said`` whether a number over what reads like a sentence is none.
        Divisions have levels 1 to 4, articles and capitals 5, numbered titles 5 and their depth.
        """
        bare = text.strip()
        if len(bare) > HEADING_LIMIT or not following or bare.endswith((";", ",", "-", "=")):
            return 0, ""
        if bare.endswith(".") and not _numbered_only(bare):
            return 0, ""
        # the rest of a wrapped sentence is no heading
        mid_sentence = bool(before) and not FINAL.search(before) and len(before.strip()) >= WRAP_SHARE * width
        if not mid_sentence and _SHORT_NAME.match(bare):
            return ARTICLE_LEVEL + bare.count(".") + 1, tidy(bare)
        if not mid_sentence and _named_paragraph(bare, following, before):
            return ARTICLE_LEVEL, tidy(bare)
        if mid_sentence or not _WORD.search(bare):
            return 0, ""
        if following.lstrip()[:1].islower() and _INNER_END.search(bare):
            return 0, ""  # "Article 2. The bar is open. All" over "glasses carry a deposit": a text with its number before it
        if self.is_opening(bare) and is_capitals(bare):
            return ARTICLE_LEVEL + 1, tidy(bare)  # beside the sections 1, 2, 3
        capitals = is_capitals(bare) and sum(c.isalpha() for c in bare) >= 0.7 * len(bare.replace(" ", ""))
        division = self.division.match(bare)
        if division and (capitals or len(bare) < 80 or (_NAMED.match(bare, division.end()) and not following.lstrip()[:1].islower())):
            return self._levels[division.group(1).lower()], tidy(bare)
        article = self.article.match(bare)
        if article and len(article.group(2)) < 80 and bare[:1].isupper() and not bare.endswith("."):
            return ARTICLE_LEVEL, tidy(bare)
        return self._numbered(bare, width, said) or (self._capital(bare, following, width) if capitals else (0, ""))

    def _numbered(self, bare: str, width: int, said: bool) -> tuple[int, str] | None:
        match = NUMBER.match(bare)
        if match is None or BULLET.match(bare):
            return None
        number, rest = match.group(1).strip("."), match.group(3)
        depth = number.count(".") + 1
        short = len(bare) < 0.7 * width and len(rest.split()) <= 12
        proper = not rest.endswith(":") and rest[:1].isupper() and bool(_WORD.search(rest)) and not (said and self._is_sentence(rest))
        if short and proper and (depth > 1 or match.group(2) or number[0].isalpha()):
            return ARTICLE_LEVEL + depth, tidy(bare)
        return None

    def _is_sentence(self, rest: str) -> bool:
        """A wrapped sentence, a list item or an instruction, and no title."""
        infinitive = self._imperative.match(rest)
        verb = bool(infinitive) and infinitive is not None and infinitive.group().lower() not in self._nouns
        return verb or bool(
            self._unfinished.search(rest)
            or self._sentence.match(rest)
            or self._finite.search(rest)
            or ("," in rest and len(rest.split()) > 8)
        )

    def _capital(self, bare: str, following: str, width: int) -> tuple[int, str]:
        """A line of capitals; one word alone must stand over prose, for the cells of a table are capitals too."""
        prose = len(following.strip()) >= 0.5 * width
        if self._continues.match(bare) or self._unfinished.search(bare) or (len(_WORD.findall(bare)) < 2 and not prose):
            return 0, ""
        return ARTICLE_LEVEL, tidy(bare)

    def plain_title(self, text: str, following: str, before: str, width: int) -> str:
        """A title that has neither number nor capitals ("Définition" alone over prose), or "".

        Only a short line between a finished paragraph and a full line that opens a sentence is taken for one.
        """
        bare, after = text.strip(), following.strip()
        ended = not before or bool(FINAL.search(before))
        opens = after[:1].isupper() and len(after) >= 0.7 * width
        short = len(bare) <= 0.45 * width and len(bare.split()) <= 6
        if not (ended and opens and short and bare[:1].isupper() and not FINAL.search(bare) and not re.search(r"\d|[,/=@]", bare)):
            return ""
        return "" if self._is_sentence(bare) or not _WORD.search(bare) or self._dated.search(bare) else tidy(bare)

    def wrapped_title(self, level: float, title: str, rest: str, width: int) -> str:
        """The title with the next line, when that completes it (the name of an article, a wrapped end), else ""."""
        rest = rest.strip()
        if not rest or len(rest) > HEADING_LIMIT or rest[-1] in "-\u00ad" or _LETTER.match(rest):
            return ""
        if rest[0].islower() and not FINAL.search(rest) and len(rest.split()) <= 8 and len(title) > 20:
            return f"{title} {tidy(rest)}"
        unnamed = (
            level <= ARTICLE_LEVEL
            and not _ARTICLE_TITLE.search(title)
            and bool(self.division.match(title) or self.article.match(title) or _PARAGRAPH.match(title))
        )
        if unnamed and rest[0].isupper() and not FINAL.search(rest) and not NUMBER.match(rest) and len(rest) < WRAP_SHARE * width:
            return f"{title}{self._colon}{tidy(rest)}"
        if is_capitals(title) and is_capitals(rest) and self._continues.match(rest) and not FINAL.search(rest):
            return f"{title} {tidy(rest)}"  # "AU QUESTIONNAIRE DE SANTÉ": no title begins so
        return ""

    def article_number(self, text: str) -> str:
        """The number that opens an article or paragraph, or "" (a single integer is too often a list or a score)."""
        article = self.article.match(text)
        if article:
            return re.sub(r"\s+", " ", article.group(1))
        match = NUMBER.match(text)
        if match is None:
            return ""
        number, rest = match.group(1).strip("."), match.group(3)
        if "." not in number and not (number[0].isalpha() and match.group(2)):
            return ""
        if rest and not (_WORD.search(rest) and (rest[:1].isalpha() or rest[:1] in "«\"'(•-–")):
            return ""
        return number

    def heading_number(self, title: str) -> str:
        """The article or section number that a heading begins with ("Article 9 : La partie nulle" -> "9"), or ""."""
        article = self.article.match(title)
        if article:
            return self._ordinal.sub("", article.group(1))
        paragraph = _PARAGRAPH.match(title)
        if paragraph:
            return paragraph.group(1)
        match = NUMBER.match(title)
        return match.group(1).strip(".") if match and match.group(3)[:1].isalpha() else ""

    def leaves_section(self, heading_text: str, number: str) -> bool:
        """Whether a paragraph numbered ``number`` cannot stand under that heading (6.2 under "2.6.3. National")."""
        match = NUMBER.match(heading_text)
        if match is None or self.article.match(heading_text) or not match.group(3)[:1].isalpha():
            return False
        own, other = match.group(1).strip(".").split("."), number.split(".")
        plain = all(part.isdigit() for part in own) and all(part.isdigit() for part in other[:-1])
        lettered = len(own) > 1 and own[0].isalpha() and other[0].isalpha() and own[0] != other[0]  # H.1 under "G.2 Plaintes"
        return len(other) > 1 and ((plain and other[: len(own)] != own) or lettered)


def _named_paragraph(bare: str, following: str, before: str) -> bool:
    """Whether a line is a paragraph's number and name, or its number over a name: set apart from the text before it, and no citation."""
    found = _PARAGRAPH.match(bare)
    if found is None or (before and not FINAL.search(before)) or following.lstrip()[:1].islower():
        return False
    name = found.group(2).lstrip('([„“«"')
    if not name:
        return (
            following.lstrip("([ ")[:1].isupper() and len(following.strip()) <= FIRST_LINE and not FINAL.search(following.rstrip(") "))
        )
    return name[:1].isupper() and len(name) < 80 and bool(_WORD.search(name)) and not _PART_CITED.match(name)


def is_capitals(text: str) -> bool:
    """Whether a line is set in capitals."""
    found = [c for c in text if c.isalpha()]
    return len(found) >= 4 and sum(c.isupper() for c in found) >= 0.8 * len(found)


def letters(text: str) -> str:
    """The letters and digits of a text, lower case: what two forms of one title share."""
    return "".join(c for c in text.lower() if c.isalnum())


def tidy(text: str) -> str:
    """A title without the blanks, colons and dashes around it."""
    return re.sub(r"\s+", " ", text).strip(" \t:–-")


def _numbered_only(text: str) -> bool:
    return bool(NUMBER.match(text)) and not re.search(r"[a-zà-ÿ]{3,}.*[a-zà-ÿ]{3,}.*\.$", text)
