"""What a test of the LLM writer asks about: chunks that differ by a number, and an endpoint whose misbehaviour the number decides."""

from __future__ import annotations

import re
from collections.abc import Callable

from scripted_llm import Call, Reply, good_writer, passage, questions

from triplette.records import Chunk
from triplette.rundir import RunDir
from triplette.tables import write_records

TEXT = (
    "Le joueur qui arrive devant son échiquier après le délai de forfait perd la partie, sauf décision contraire de l'arbitre. "
    "Le règlement de la compétition annonce ce délai à l'avance ; sans annonce, aucun retard n'est permis."
)


def chunk(text: str = TEXT, title: str = "Retards et forfaits", source: str = "retards.md") -> Chunk:
    return Chunk.make(
        language="fr",
        text=text,
        title=title,
        source=source,
        articles=(),
        page_start=0,
        page_end=0,
        char_start=0,
        char_end=len(text),
        tokens=60,
        tokenizer="estimate",
    )


def chunks(count: int) -> list[Chunk]:
    subjects = ("échiquier", "pendule", "roque", "promotion", "notation", "appariement", "départage", "licence", "forfait", "nulle")
    return [
        chunk(
            f"Point {number} sur {subjects[number % 10]}. Le responsable contrôle chaque demande avant la ronde {number} et inscrit sa "
            f"décision dans le registre. Une réclamation arrive au plus tard {number + 5} minutes après la signature des feuilles.",
            title=f"Chapitre {number}",
            source=f"doc{number // 5}.md",
        )
        for number in range(count)
    ]


def with_chunks(run: RunDir, count: int) -> RunDir:
    write_records(run.path("chunks.parquet"), chunks(count), Chunk)
    return run


BEHAVIOURS: dict[str, Callable[[Call], Reply | str]] = {
    "429": lambda call: Reply(status=429, headers={"Retry-After": "0.1"}) if not call.times else good_writer(call),
    "500": lambda call: Reply(status=500) if call.times < 2 else good_writer(call),
    "stall": lambda call: Reply(good_writer(call), delay=4.0) if not call.times else good_writer(call),
    "cut": lambda call: good_writer(call) if call.asked_again else Reply(good_writer(call)[:60], finish="length"),
    "cut always": lambda call: Reply(good_writer(call)[:60], finish="length"),
    "chatter": lambda call: good_writer(call) if call.asked_again else f"Voici deux questions :\n{good_writer(call)}",
    "english": lambda _: questions("What should the responsible person do before the round?"),
    "duplicates": lambda _: questions(*["Que contrôle le responsable avant la ronde ?"] * 3),
    "refusal": lambda _: Reply(None, refusal="Je ne peux pas répondre."),
    "declined": lambda _: questions(reason="Passage vide de sens."),
}


def misbehaving(call: Call) -> Reply | str:
    """Each chunk has its own misbehaviour, decided by its text, so that two runs meet the same."""
    number = int(re.findall(r"Point (\d+)", passage(call))[0])
    name = [*BEHAVIOURS, *["good"] * 5][number % 15]
    return BEHAVIOURS.get(name, good_writer)(call)


def without_stalls(call: Call) -> Reply | str:
    """As ``misbehaving``, without the one that answers late: an answer nobody waited for would be billed twice whoever asks."""
    number = int(re.findall(r"Point (\d+)", passage(call))[0])
    name = [*BEHAVIOURS, *["good"] * 5][number % 15]
    return good_writer(call) if name == "stall" else BEHAVIOURS.get(name, good_writer)(call)
