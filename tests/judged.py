"""A small French corpus with questions and triplets as mining leaves them, for the tests of judging and of deduplication."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from curated import make_question, make_triplet

from triplette.profile import keep_profile, load_profile
from triplette.records import Chunk, Question, Triplet
from triplette.rundir import RunDir
from triplette.tables import write_records

PASSAGES = {
    "retard": (
        "Retards et forfaits",
        "Le joueur qui arrive devant son échiquier après le délai annoncé perd la partie. Ce délai est de trente minutes, sauf si "
        "le règlement de la compétition en fixe un autre avant la première ronde.",
    ),
    "roque": (
        "Le roque",
        "Le roi se déplace de deux cases vers une tour, puis cette tour passe de l'autre côté du roi. Le roque est interdit "
        "tant que le roi est en échec ou qu'une case qu'il doit traverser est attaquée.",
    ),
    "pendule": (
        "La pendule",
        "Chaque joueur appuie sur la pendule avec la main qui a joué le coup. L'arbitre corrige un réglage faux dès qu'il le constate, "
        "et décide s'il faut changer l'appareil.",
    ),
    "appel": (
        "Les appels",
        "Une décision de l'arbitre peut être contestée devant la commission d'appel dans les deux heures qui suivent la fin de la ronde. "
        "La caution versée est rendue si l'appel est accepté.",
    ),
    "elo": (
        "Le classement",
        "La variation du classement est le produit du coefficient par l'écart entre le score obtenu et le score attendu. Le coefficient "
        "vaut vingt pour un joueur qui a disputé au moins trente parties.",
    ),
    "grille": (
        "Tableau d'appariement",
        "| Ronde 1 | A1 - B1 | C1 - D1 |\n| Ronde 2 | A1 - C1 | B1 - D1 |\n| Ronde 3 | A1 - D1 | B1 - C1 |",
    ),
}  # fmt: skip
GOOD = {
    "retard": "Au bout de combien de temps un joueur absent de son échiquier est-il déclaré perdant ?",
    "roque": "Pourquoi n'ai-je pas le droit de roquer quand mon roi est attaqué ?",
    "pendule": "Avec quelle main faut-il appuyer sur la pendule une fois le coup joué ?",
    "appel": "De combien de temps dispose-t-on pour contester une décision de l'arbitre devant la commission d'appel ?",
}


def chunk(name: str, **changes: Any) -> Chunk:
    """A passage of the corpus; ``changes`` replace its title, text or source."""
    title, text = PASSAGES[name]
    content = {"text": text, "title": title, "source": f"{name}.md", **changes}
    place = {"articles": (), "page_start": 0, "page_end": 0, "char_start": 0, "char_end": 1, "tokens": 60, "tokenizer": "estimate"}
    return Chunk.make(**content, **place)


def corpus(**changes: dict[str, Any]) -> dict[str, Chunk]:
    """Every passage by name; ``changes`` name -> changes of that passage."""
    return {name: chunk(name, **changes.get(name, {})) for name in PASSAGES}


def triplet(question: str, positive: Chunk, negatives: Sequence[Chunk], **changes: Any) -> tuple[Question, Triplet]:
    """A question over ``positive`` and its triplet; ``changes`` replace the triplet's ranks and scores."""
    asked = make_question(positive, question)
    made = make_triplet(asked, [negative.id for negative in negatives])
    return asked, replace(made, **changes) if changes else made


def mined(run: RunDir, chunks: dict[str, Chunk], rows: Sequence[tuple[Question, Triplet]]) -> RunDir:
    """Write what synthesis leaves."""
    keep_profile(run, load_profile("chess-fr"))
    write_records(run.path("chunks.parquet"), chunks.values(), Chunk)
    write_records(run.path("questions.parquet"), [question for question, _ in rows], Question)
    write_records(run.path("triplets.parquet"), [made for _, made in rows], Triplet)
    return run


def good_rows(chunks: dict[str, Chunk]) -> list[tuple[Question, Triplet]]:
    """Four rows that a reasonable judge keeps."""
    names = list(GOOD)
    return [triplet(text, chunks[name], [chunks[other] for other in names if other != name][:2]) for name, text in GOOD.items()]
