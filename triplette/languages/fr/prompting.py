"""French: the words that the code puts into prompts (``languages.prompting``)."""

from __future__ import annotations

from triplette.languages.prompting import Prompting

PROMPTING = Prompting(
    colon=" :",
    ask_again=(
        "Ta réponse précédente est inutilisable : {error}. Réponds de nouveau à la même demande, uniquement par un objet JSON conforme au "
        "schéma, sans aucun texte avant ni après."
    ),
    terms="7. Ces termes restent tels quels, ni traduits ni coupés : {}.",
    passage="Passage {number}, titre : {title}",
    answers=("oui", "non", "incertain"),
    example=("Qui est responsable ?", "Titre", "Texte."),
)
