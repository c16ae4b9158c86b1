"""Which line of a plain page is a heading, and at which level.

Plain text says nothing of headings, so they are told by numbering ("2.3. Le transfert", "ARTICLE 6 :") and form (short, no final stop,
capitals). A heading that is missed costs a chunk its context; a false one gives every chunk after it a wrong context. So doubt says no.
"""

from __future__ import annotations

import re

HEADING_LIMIT = 110  # characters
WRAP_SHARE = 0.75  # of the usual line width: a shorter line that ends a sentence ends its paragraph
TITLE_ZONE = 12  # lines of the first page that may hold the document's title
FIRST_LINE = 60  # characters: a longer first line is prose
ARTICLE_LEVEL = 5
PLAIN_LEVEL = 20  # a title line without number or capitals stands below every numbered one
_DIVISION_LEVELS = {"partie": 1, "livre": 1, "titre": 2, "annexe": 2, "chapitre": 3, "section": 4, "directive": 4, "directives": 4}

NUMBER = re.compile(r"^\s*((?:[A-Z]\.?)?\d{1,3}(?:\.\d{1,3}){0,5}(?:\.?[a-z]\)?)?)(\.|\)|\s*[-–:])?\s*(.*)$")
ARTICLE = re.compile(
    r"^\s*(?:article|art\.)\s+((?:[LRD]\.?\s?)?\d+(?:\s?er\b)?(?:[.-]\d+)*(?:\s?(?:bis|ter))?)\s*[.:–-]*\s*(.*)$", re.IGNORECASE
)
DIVISION = re.compile(
    r"^\s*((?i:partie|chapitre|titre|livre|annexe|section|directives?))\s+(?:\d[\w.]*|[IVXLC]+(?:er)?\b|[A-Z]\b|Spécial\b|A[UX]*\s)"
)
BULLET = re.compile(r"^\s*(?:[•▪●◦‣·➢➔⇒✓■□\uf000-\uf0ff*–-]|o(?=\s))\s*(?=\S|$)")
_ARTICLE_TITLE = re.compile(r"[^\W\d_]{3,}.*?[\s:–-].*[^\W\d_]{3,}")
FINAL = re.compile(r"[.!?;:…»)]\s*$")
_WORD = re.compile(r"\b[^\W\d_]{3,}\b")
# what no title ends with, and what opens a sentence or a list item rather than a title
_UNFINISHED = re.compile(
    r"(?:\b(?:ou|et|de|du|des|la|le|les|un|une|à|au|aux|par|pour|que|qui|dont|entre|dans|sur|en|leur|son|sa|ses)|['’])$", re.IGNORECASE
)
_SENTENCE_OPENING = re.compile(
    r"^(?:Si\b|S['’]|Quand\b|Lorsqu|En\s\w+ant\b|(?:Pour|Dans)\s(?:\S+\s){6}|(?:Il|Elle|Ils|On)\b|Ces?\b|Cette\b|Cela\b|(?:À|Aux?)\s|(?:Est|Être|Avez|Avoir)\b)"
)
_CONTINUES = re.compile(r"^(?:[➔⇒•]|(?:des?|du|et|ou|par|pour|aux?|en|dans)\b)", re.IGNORECASE)
_LETTER = re.compile(r"[a-z][).]\s")  # a list begins
_FINITE = re.compile(
    r"\b(?:doit|doivent|peut|peuvent|sera|seront|est-(?:il|elle)|avez-vous|pensez-vous|n['’]est|ont|devra|pourra)\b", re.IGNORECASE
)
_INFINITIVE = re.compile(r"^[A-ZÉÀ]\w+(?:er|ir|[dt]re)\b")
_NOUNS = frozenset(
    "calendrier premier dernier cahier courrier dossier échiquier avenir titre lettre nombre membre chambre autre centre litre "
    "mètre arbitre registre ordre cadre quatre ministère".split()
)
# sections that open a text before its numbered ones, and are no part of its title
_OPENING = re.compile(
    r"(?:pr[ée]ambule|avant[- ]propos|introduction|pr[ée]face|expos[ée] des motifs|preamble|foreword|preface)\W*", re.IGNORECASE
)
# a line of the first page that dates or numbers the text is not its title
_METADATA = re.compile(
    r"\d{2}[/.]\d{2}[/.]\d{2,4}|\b(?:modifié|version|page|saison|mise à jour|approuvé|association déclarée)\b|\d+/\d+", re.IGNORECASE
)

_ISSUER = re.compile(
    r"^(?:la |le |l['’])?(?:f[ée]d[ée]ration|ligue|comit[ée]|direction|minist[èe]re|r[ée]publique|association|[ée]tat)\b"
    r"|^(?:entre|et|pour|par|des?|du)\b",
    re.IGNORECASE,
)


def document_title(lines: list[str], running: list[str]) -> str:
    """The document's title, from the first page's lines (``running``: those that repeat on later pages), or "".

    The last line of capitals before the text begins (two in a row are one title), else the first running head, else a short first
    line; neither a date, a number nor the issuer's name.
    """
    solid = [line.strip() for line in lines if line.strip()][:TITLE_ZONE]
    begins = next((i for i, line in enumerate(solid) if _begins(line) or is_opening(line)), len(solid))
    found = [i for i, line in enumerate(solid[:begins]) if is_capitals(line) and _titled(line)]
    if found:
        last = found[-1]
        pair = f"{solid[last - 1]} {solid[last]}"
        joined = last - 1 in found and letters(solid[last - 1]) != letters(solid[last]) and len(pair) < HEADING_LIMIT
        return tidy(pair if joined else solid[last])
    first = [line for line in solid[: min(begins, 3)] if len(line) <= FIRST_LINE and not FINAL.search(line)]
    return next((tidy(line) for line in [*running, *first] if _titled(line) and len(_WORD.findall(line)) >= 2), "")


def _begins(line: str) -> bool:
    """A numbered title or a line of prose: the text has begun."""
    return len(line) > HEADING_LIMIT or bool(DIVISION.match(line) or ARTICLE.match(line) or (NUMBER.match(line) and _WORD.search(line)))


def _titled(line: str) -> bool:
    return (
        bool(_WORD.search(line))
        and not is_opening(line)
        and not any(p.search(line) for p in (_METADATA, _ISSUER, _UNFINISHED))
        and not NUMBER.match(line)
    )


def is_opening(text: str) -> bool:
    """Whether a title is that of a section that opens a text ("Préambule")."""
    return bool(_OPENING.fullmatch(text.strip()))


def typed_title(text: str) -> bool:
    """Whether a line that is set as a heading reads like one: no end of a sentence, nothing left open."""
    bare = text.strip()
    if len(bare) > 2 * HEADING_LIMIT or not _WORD.search(bare) or bare.endswith((";", ",", "-", "=")):
        return False
    if bare[:1].islower() or bare[:1] in "([":
        return False
    return not (bare.endswith(".") and not _numbered_only(bare)) and not _UNFINISHED.search(bare)


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


def heading(text: str, following: str, before: str, width: int) -> tuple[int, str]:
    """(level, title) when a line is a heading, else (0, "").

    ``following`` is the next line with text ("" at the end), ``before`` the open paragraph's last line ("" when none is
    open), ``width`` the page's usual line length. Divisions have levels 1 to 4, articles and capitals 5, numbered titles 5 and
    their depth.
    """
    bare = text.strip()
    if len(bare) > HEADING_LIMIT or not following or bare.endswith((";", ",", "-", "=")):
        return 0, ""
    if bare.endswith(".") and not _numbered_only(bare):
        return 0, ""
    # the rest of a wrapped sentence is no heading
    mid_sentence = bool(before) and not FINAL.search(before) and len(before.strip()) >= WRAP_SHARE * width
    if mid_sentence or not _WORD.search(bare):
        return 0, ""
    if is_opening(bare) and is_capitals(bare):
        return ARTICLE_LEVEL + 1, tidy(bare)  # beside the sections 1, 2, 3
    capitals = is_capitals(bare) and sum(c.isalpha() for c in bare) >= 0.7 * len(bare.replace(" ", ""))
    division = DIVISION.match(bare)
    if division and (capitals or len(bare) < 80):
        return _DIVISION_LEVELS[division.group(1).lower()], tidy(bare)
    article = ARTICLE.match(bare)
    if article and len(article.group(2)) < 80 and bare[:1].isupper() and not bare.endswith("."):
        return ARTICLE_LEVEL, tidy(bare)
    return _numbered(bare, width) or (_capital(bare, following, width) if capitals else (0, ""))


def _numbered(bare: str, width: int) -> tuple[int, str] | None:
    match = NUMBER.match(bare)
    if match is None or BULLET.match(bare):
        return None
    number, rest = match.group(1).strip("."), match.group(3)
    depth = number.count(".") + 1
    short = len(bare) < 0.7 * width and len(rest.split()) <= 12
    proper = not rest.endswith(":") and rest[:1].isupper() and bool(_WORD.search(rest)) and not _is_sentence(rest)
    if short and proper and (depth > 1 or match.group(2) or number[0].isalpha()):
        return ARTICLE_LEVEL + depth, tidy(bare)
    return None


def _is_sentence(rest: str) -> bool:
    """A wrapped sentence, a list item or an instruction, and no title."""
    infinitive = _INFINITIVE.match(rest)
    verb = bool(infinitive) and infinitive is not None and infinitive.group().lower() not in _NOUNS
    return verb or bool(
        _UNFINISHED.search(rest) or _SENTENCE_OPENING.match(rest) or _FINITE.search(rest) or ("," in rest and len(rest.split()) > 8)
    )


def _capital(bare: str, following: str, width: int) -> tuple[int, str]:
    """A line of capitals; one word alone must stand over prose, for the cells of a table are capitals too."""
    prose = len(following.strip()) >= 0.5 * width
    if _CONTINUES.match(bare) or _UNFINISHED.search(bare) or (len(_WORD.findall(bare)) < 2 and not prose):
        return 0, ""
    return ARTICLE_LEVEL, tidy(bare)


def plain_title(text: str, following: str, before: str, width: int) -> str:
    """A title that has neither number nor capitals ("Définition" alone over prose), or "".

    Only a short line between a finished paragraph and a full line that opens a sentence is taken for one.
    """
    bare, after = text.strip(), following.strip()
    ended = not before or bool(FINAL.search(before))
    opens = after[:1].isupper() and len(after) >= 0.7 * width
    short = len(bare) <= 0.45 * width and len(bare.split()) <= 6
    if not (ended and opens and short and bare[:1].isupper() and not FINAL.search(bare) and not re.search(r"\d|[,/=@]", bare)):
        return ""
    return "" if _is_sentence(bare) or not _WORD.search(bare) or _METADATA.search(bare) else tidy(bare)


def wrapped_title(level: float, title: str, rest: str, width: int) -> str:
    """The title with the next line, when that completes it (the name of an article, a wrapped end), else ""."""
    rest = rest.strip()
    if not rest or len(rest) > HEADING_LIMIT or rest[-1] in "-\u00ad" or _LETTER.match(rest):
        return ""
    if rest[0].islower() and not FINAL.search(rest) and len(rest.split()) <= 8 and len(title) > 20:
        return f"{title} {tidy(rest)}"
    unnamed = level <= ARTICLE_LEVEL and not _ARTICLE_TITLE.search(title) and bool(DIVISION.match(title) or ARTICLE.match(title))
    if unnamed and rest[0].isupper() and not FINAL.search(rest) and not NUMBER.match(rest) and len(rest) < WRAP_SHARE * width:
        return f"{title} : {tidy(rest)}"
    return ""


def article_number(text: str) -> str:
    """The number that opens an article or paragraph, or "" (a single integer is too often a list or a score)."""
    article = ARTICLE.match(text)
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


def heading_number(title: str) -> str:
    """The article or section number that a heading begins with ("Article 9 : La partie nulle" -> "9"), or ""."""
    article = ARTICLE.match(title)
    if article:
        return re.sub(r"\s?er$", "", article.group(1), flags=re.IGNORECASE)
    match = NUMBER.match(title)
    return match.group(1).strip(".") if match and match.group(3)[:1].isalpha() else ""


def leaves_section(heading_text: str, number: str) -> bool:
    """Whether a paragraph numbered ``number`` cannot stand under that heading (6.2 under "2.6.3. National")."""
    match = NUMBER.match(heading_text)
    if match is None or ARTICLE.match(heading_text) or not match.group(3)[:1].isalpha():
        return False
    own, other = match.group(1).strip(".").split("."), number.split(".")
    plain = all(part.isdigit() for part in own) and all(part.isdigit() for part in other[:-1])
    return plain and len(other) > 1 and other[: len(own)] != own


def _numbered_only(text: str) -> bool:
    return bool(NUMBER.match(text)) and not re.search(r"[a-zà-ÿ]{3,}.*[a-zà-ÿ]{3,}.*\.$", text)
