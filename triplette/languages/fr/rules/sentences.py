"""Sentences of a chunk that a question can be made of: numbering cut, lists kept with their opening, tables left out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from triplette.languages.fr import sentences
from triplette.languages.fr.rules.clauses import LEADING
from triplette.languages.text import normalise
from triplette.records import Chunk

_NUMBERING = re.compile(
    r"^\s*(?:(?:Article\s+)?(?:[A-Z]\.?)?\d{1,3}(?:\.\d{1,3})*(?:\.?[a-z]\))?[.)]?\s+(?=[^\d\s])|[•▪●◦‣·➢⇒→➔✓–—*-]\s*|\(?[a-zA-Z]\)\s+|[ivx]+\)\s+|o\s+(?=[A-Z]))"
)
_INCLUSIVE = [
    (re.compile(r"\b[Ll]e ou les\b"), "les"),
    (re.compile(r"\b([Ll])a ou le (\w+)"), r"\1e \2"),
    (
        re.compile(
            r"\b([Uu]n|[Ll]e|[Cc]haque|[Dd]u|[Aa]u|[Tt]out)\s(\w{4,})(\s(?:ou|et)\s|/)(?:une|la|chaque|de la|à la|toute)\s\2\w*"
        ),
        r"\1 \2",
    ),
    (re.compile(r"\b(\w{3,})/\1e?s?\b"), r"\1"),
    (re.compile(r"\b(\w+eur)(s?)/(?:la\s|les\s|une\s|de\sla\s|à\sla\s|des\s)?\w+(?:euse|rice)s?\b"), r"\1\2"),
    (
        re.compile(
            r"\b([Ll]e|[Uu]n|[Cc]haque|[Dd]u|[Aa]u)\s(\w+)\s(?:ou|et|/)\s(?:la|une|chaque|de la|à la)\s\w+(?:euse|rice|tte|ée|ente|ante)\b"
        ),
        r"\1 \2",
    ),
    (
        re.compile(r"\b([Ll]es|[Dd]es|[Aa]ux|[Ll]eurs|[Dd]eux)\s(\w+)\s(?:ou|et|/)\s(?:les|des|aux|leurs)?\s?(\w+)(euses|rices)\b"),
        r"\1 \2",
    ),
    (re.compile(r"\b([Ll]e|[Uu]n|[Dd]u|[Aa]u)\s(?:ou|et|/)\s(?:la|une|de la|à la)\s(\w+)"), r"\1 \2"),
    (re.compile(r"\b(\w+eur)(s?)\s(?:ou|et)\s\w+(?:euse|rice)s?\b"), r"\1\2"),
    (re.compile(r"\b([Ll])'(\w+)\s(?:ou|et)\sl'\2\b"), r"\1'\2"),
    (re.compile(r"\b[Uu]n(?:/une|\(e\))\b"), "un"),
    (re.compile(r"\b([Ll]e)/[Ll]a\b"), r"\1"),
    (re.compile(r"\b([Ii]l)/[Ee]lle\b|\b(il) ou elle\b"), r"\1\2"),
    (re.compile(r"\b(\w+)\((?:e|s|es|ne|le|trice|euse)\)(?=\W|$)"), r"\1"),
    (re.compile(r"\b(\w+eur)s?/\w+(?:euse|rice)s?\b"), r"\1"),
]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, the items of the list it opens, and its place in the chunk (from 0)."""

    text: str
    items: tuple[str, ...]
    place: int


_MAYBE_DOUBLED = re.compile(r"[/(]|\s(?:ou|et)\s")
# words that tie a sentence to the one before and say nothing of their own
_TIES = re.compile(
    r"^(?:Toutefois|Cependant|Néanmoins|De plus|En outre|Par ailleurs|Ainsi|En effet|Enfin|Ensuite|Également|De même|Dès lors|En conséquence"
    r"|Par conséquent|En revanche|Exception|Attention|Remarque|Par exemple|Rappel|Précision|Note|NB|Nota|N\.B\.)\s?[,:]\s*"
)
_ASIDES = re.compile(
    r",\s(?:le cas échéant|en principe|en particulier|notamment|toutefois|cependant|néanmoins|par conséquent|en effet|éventuellement|si possible"
    r"|par exemple|au besoin|si nécessaire|en général|bien entendu|bien sûr),(?=\s)"
)
_ADVERBS = re.compile(r"\s(?:toutefois|cependant|néanmoins|également|non plus|ainsi(?!\squ)|donc|ensuite|d'abord|enfin)(?=\s)")
_THEN = re.compile(r"\salors(?!\s(?:qu|même))(?=\s)")
# the article that a rule rests on: the rule reads on without it
_CITED = re.compile(
    r",?\s(?:(?:selon|suivant|voir|d'après|conformément (?:à|aux)|en (?:application|vertu) (?:de|des)|au sens (?:de|des)"
    r"|(?:comme |tel(?:le)?s? que )?(?:prévu|défini|visé"
    r"|mentionné|énoncé|décrit|stipulé|indiqué|précisé|spécifié|fixé|listé)\w* (?:à|aux|par|dans|en))\s)"
    r"(?:l'|les\s)?(?:articles?|art\.|annexes?|points?|paragraphes?|§)"
    r"\s(?:[A-Z]{0,3}\.?\d[\w.-]*|[A-Z]\b)(?:\s?(?:,|et|ou|à|-)\s?(?:l'article\s)?[A-Z]?\.?\d[\w.-]*)*"
    r"(?:\s(?:ci-\w+|(?:du|de la|des)\s(?:présente?s?\s)?(?:règlement|code|statuts|annexe)"
    r"(?:\s(?:intérieur|disciplinaire|médical|financier))?))?(?=[\s,.;:]|$)"
)
# "Le comité peut, en cas de refus, prononcer ...": the aside between the two halves of a verb
_PARTED = re.compile(
    r"\b(peut|peuvent|doit|doivent|devra|devront|pourra|pourront)\s?,\s"
    r"(?:en|dans|par|pour|sur|à|au|aux|lors|sous|après|avant|selon|si|à la|avec|sans|sauf|le cas)\b"
    r"[^,;]{2,90},\s(?=[\w-]+(?:er|ir|re|oir)\b)"
)
_THIS_TEXT = re.compile(r"\b(le|du|au)\sprésent\s(règlement)\b", re.IGNORECASE)
_BRACKETS = re.compile(r"\s\([^()]{1,120}\)(?=[\s,.;:]|$)")
_LABEL = re.compile(
    r"^[A-ZÉÀ][^:.,;]{2,45}\s:\s(?=(?:[Ll]'|[Ll]es?\s|[Ll]a\s|[Uu]ne?\s|[Ss]i\s|[Ee]n\s|[Ll]orsqu|[Cc]haque|[Tt]out|[Aa]ucun)[^:]{30,}$)"
)


def simplify(text: str) -> str:
    """Doubled forms made single ("un joueur ou une joueuse" -> "un joueur"), asides, ties and brackets left out."""
    text = re.sub(r"\b(?:[A-Z]\.){2,}[A-Z]?(?=\W|$)", lambda m: m.group().replace(".", ""), _TIES.sub("", text))
    text = _ADVERBS.sub("", _ASIDES.sub("", _BRACKETS.sub("", text)))
    text = _PARTED.sub(r"\1 ", text)
    text = _THIS_TEXT.sub(r"\1 \2", _CITED.sub("", text))
    if _MAYBE_DOUBLED.search(text):
        for pattern, form in _INCLUSIVE:
            text = pattern.sub(form, text)
    return text[:1].upper() + text[1:]


def sentences_of(chunk: Chunk) -> list[Sentence]:
    """The chunk's sentences in order; a line that ends with ":" takes the list items after it."""
    found: list[Sentence] = []
    items: list[str] | None = None
    opening, own = "", list[str]()
    for raw in chunk.text.split("\n"):
        item = bool(re.match(r"\s*(?:[•▪●◦‣·➢–—*-]|[a-z]\)|\d+\.\d|[a-z]\.)\s*", raw))
        line = _stripped(normalise(raw))
        if not line or "|" in line:
            continue
        if items is not None and item:
            items.append(line.strip(" ;.,"))
            if len(line.split()) >= 7 and re.match(r"(?:L'|Les?\s|La\s|Une?\s|Si\s|Chaque\s|Tout|En cas|Lorsqu)", line):
                own += [simplify(part) for part in sentences(line)]  # an item that is a sentence by itself
            continue
        if items is not None:
            found.append(Sentence(opening, tuple(items), len(found)))
            found += [Sentence(one, (), len(found) + i) for i, one in enumerate(own)]
            items, own = None, []
        parts = [simplify(part) for part in sentences(simplify(_LABEL.sub("", line)))]
        for part in parts[:-1]:
            found += [Sentence(one, (), len(found) + i) for i, one in enumerate(_independent(_stripped(part)))]
        last = _stripped(parts[-1]) if parts else ""
        if last.endswith(":"):
            items, opening = [], last
        elif last:
            found += [Sentence(one, (), len(found) + i) for i, one in enumerate(_independent(last))]
    if items is not None:
        found.append(Sentence(opening, tuple(items), len(found)))
        found += [Sentence(one, (), len(found) + i) for i, one in enumerate(own)]
    return [s for s in found if len(s.text.split()) >= 3]


def _independent(text: str) -> list[str]:
    """The sentences that semicolons join, first letters made capitals."""
    parts = [part.strip() for part in text.split(" ; ")]
    if any(len(part.split()) < 4 for part in parts):
        parts = [text]
    return [_then(part[:1].upper() + part[1:]) for part in parts]


def _then(text: str) -> str:
    """ "Si le délai est passé, le titre est alors perdu": without "alors" where its condition stands before it; else it points outside."""
    return _THEN.sub("", text) if LEADING.match(text) else text


def _stripped(line: str) -> str:
    before = None
    while before != line:
        before, line = line, _NUMBERING.sub("", line, count=1)
    return line.strip()
