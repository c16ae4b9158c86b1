"""The setting that a question must name to stand alone: which competition, which kind of game.

"Combien de points vaut un match gagné ?" has another answer in every competition. The setting comes from the heading path, and only where a
closed list says how to name it in a sentence.
"""

from __future__ import annotations

import re

from triplette.languages.text import fold
from triplette.records import Chunk
from triplette.synth.rules.grammar import lower_first, upper_first
from triplette.synth.rules.lexicon import NAMES
from triplette.synth.rules.wording import share

_COMPETITION = re.compile(r"^(?:\w\d+ )?(coupe|championnats?|nationale|interclubs|top|r[ée]gionale)\b", re.IGNORECASE)
_TEXT = re.compile(r"^(r[èe]glement (?:disciplinaire|m[ée]dical|financier|int[ée]rieur)|statuts)\b", re.IGNORECASE)
# (in the heading path, the phrase, words that name it already)
_THEMES: tuple[tuple[str, str, str], ...] = (
    (r"hybride", "aux échecs hybrides", r"hybride"),
    (r"en ligne|plateforme", "aux échecs en ligne", r"en ligne|plateforme|virtuel|caméra|vidéo|internet"),
    (r"blitz(?!.*rapide)(?<!rapide et blitz)", "en blitz", r"blitz"),
    (r"(?:cadence|parties) rapides?\b(?!.*blitz)", "en partie rapide", r"rapide|blitz"),
    (r"chess ?960", "en Chess960", r"960"),
)
# settings that only a question that says little needs
_WEAK_THEMES: tuple[tuple[str, str, str], ...] = (
    (r"ajourn", "dans une partie ajournée", r"ajourn|enveloppe"),
    (r"aveugle|visuel", "avec un joueur aveugle", r"handicap|aveugle|visuel|voyant"),
    (r"systeme suisse|neerlandais", "au système suisse", r"suisse|appari|flott"),
    (r"molter", "au système Molter", r"molter"),
)


def context_of(chunk: Chunk) -> tuple[str, str]:
    """(phrase that names the setting, pattern of words that already name it); ("", "") when there is none to name."""
    parts = [part.strip() for part in chunk.title.split(" > ")]
    named = _competition(parts[0]) if parts else ("", "")
    if named[0]:
        return named
    return next(((phrase, present) for pattern, phrase, present in _THEMES if re.search(pattern, fold(chunk.title).lower())), ("", ""))


def weak_context_of(chunk: Chunk) -> tuple[str, str]:
    """The setting that a question with few words of its own takes besides."""
    return next(
        ((phrase, present) for pattern, phrase, present in _WEAK_THEMES if re.search(pattern, fold(chunk.title).lower())), ("", "")
    )


def _competition(title: str) -> tuple[str, str]:
    name = small(title)
    match = _COMPETITION.match(name)
    if match:
        head = match.group(1).lower()
        preposition = "au" if head.startswith("champ") else "aux" if head == "interclubs" else "en"
        name = re.sub(r"(?:\s:)?\s(?:règlement)$", "", name, flags=re.IGNORECASE)
        told = 21 if head.startswith("champ") else 12  # "le championnat" alone does not say which
        return f"{preposition} {name}", re.escape(name[:told])
    match = _TEXT.match(name)
    if match:
        article = "les" if name.lower().startswith("statuts") else "le"
        return f"selon {article} {name.lower()} de la fédération", r"règlement|statuts"
    return "", ""


_STAGES = (
    (r"^phase [a-z]+$", "en {}", r"phase"),
    (r"^finale nationale", "en finale nationale", r"final"),
    (r"^top \d+\w*$", "en {}", r"top"),
    (r"^syst[eè]me molter", "au système Molter", r"molter"),
    (r"^syst[eè]me suisse", "au système suisse", r"suisse"),
)


def stage_of(chunk: Chunk) -> tuple[str, str]:
    """The stage of a competition that an inner heading names, as (phrase, pattern of words that name it already)."""
    for part in chunk.title.split(" > ")[1:]:
        name = re.sub(r"^[\d.]+(?:[a-z]\))?\s*[-–.]?\s*", "", part.strip())
        for pattern, phrase, present in _STAGES:
            if re.search(pattern, name.lower()):
                return phrase.format(name[:1].lower() + name[1:] if not name.startswith("Top") else name), present
    return "", ""


_NAMES = frozenset(fold(name) for name in NAMES)
_ACCENTED = {
    fold(word): word
    for word in (
        *"""déroulement règlement étranger équipe équipes résultat résultats pénalité pénalités réclamation réclamations générale
    général régionale régional féminin féminine élection élections échiquier échiquiers appariements départage départages fédération
    fédérale pièce pièces équipements équipement arbitre procédure procédures sécurité éthique
    médical médicale compétition compétitions phase déléguée durée""".split(),
    )
}


def small(title: str) -> str:
    """A title in capitals written small, names apart: "COUPE DE FRANCE" -> "Coupe de France"."""
    letters = [c for c in title if c.isalpha()]
    if not letters or sum(c.isupper() for c in letters) < 0.7 * len(letters):
        return title
    return upper_first(" ".join("-".join(_small_word(part.lower()) for part in word.split("-")) for word in title.split()))


def _small_word(word: str) -> str:
    """A small word: a name with its capital, else with the accents that capitals left out."""
    if word in ("ffe", "fide", "dna", "cdje"):
        return word.upper()
    return word.capitalize() if fold(word) in _NAMES else accented(word)


def accented(word: str) -> str:
    """A small word with the accents that its capitals left out, where a list knows them."""
    return _ACCENTED.get(word, word)


# "avant le début du championnat ?": the place where the setting's own name belongs
_THE_CHAMPIONSHIP = re.compile(
    r"\b([Ll]e|[Dd]u|[Aa]u)\s[Cc]hampionnat(?=\s\?|,|\s(?:à|au|aux|en|est|pour|après|par|sur|dans|sous|impliquant|se)\b|\s\w+-|\s(?:l'|la\s|les?\s(?!plus)))"
)


def placed(text: str, context: tuple[str, str], seed: str) -> str:
    """The question with its setting before or after it, or in it, unless it names that already."""
    phrase, present = context
    if not phrase or re.search(present, text, re.IGNORECASE):
        return text
    if phrase.lower().startswith("au championnat"):
        named, found = _THE_CHAMPIONSHIP.subn(lambda m: f"{m.group(1)} {phrase[3:]}", text, count=1)
        if found:
            return named
    bare = text.rstrip(" ?")
    if len(bare.split()) <= 12 and share(seed + text) < 0.5 and " : " not in bare:
        return f"{bare} {phrase} ?"
    return f"{phrase[:1].upper()}{phrase[1:]}, {lower_first(bare)} ?"
