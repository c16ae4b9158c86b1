"""Chunks to questions by rules: what `synth write` runs without an LLM.

Each chunk is read alone, so editing one document leaves the questions of the others as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from triplette.languages.fr import stem, words
from triplette.languages.fr.rules.candidate import Candidate
from triplette.languages.fr.rules.clauses import clause, conditional
from triplette.languages.fr.rules.context import Context, context_of, placed, stage_of, weak_context_of
from triplette.languages.fr.rules.contrasts import contrast_questions
from triplette.languages.fr.rules.facts import fact_questions
from triplette.languages.fr.rules.grammar import Phrase, dangling, lower_first, points_away
from triplette.languages.fr.rules.headings import heading_question, subject_of, topic_of
from triplette.languages.fr.rules.impersonal import impersonal_questions, term_question
from triplette.languages.fr.rules.lists import list_questions
from triplette.languages.fr.rules.malformed import malformed
from triplette.languages.fr.rules.scenario import conditional_clause, scenario_questions
from triplette.languages.fr.rules.sentences import Sentence, sentences_of
from triplette.languages.fr.rules.vocabulary import using, words_in_force
from triplette.languages.fr.rules.wording import reworded, share
from triplette.languages.text import normalise
from triplette.profile import Profile
from triplette.records import Chunk, Question, Rejection

PROMPT = "rules-5"
PER_CHUNK = 6
WORDS = (5, 34)  # of a question
PLAIN = frozenset(
    "whether may who state must-one held-to entitled contains where act react power becomes allowed right may-i what-if rule-if duty-one result "
    "in-which-case object to-whom to-what purpose manner moment based made-of use tasked "
    "latest deadline how-many sanction always depends consequence why".split()
)  # patterns whose questions need a topic when they say little
FEW_WORDS = 4  # stems of its own under which a question takes a weak setting too
THIN = frozenset("how list-of measure by-whom which-one".split())  # these say enough with a stem less
THIN_WORDS = 3
LEAST = -0.36  # of its worth: a second or third question that is weaker than this is not asked
NOISE = 0.2  # how far chance may lift one pattern over another: without it a corpus asks everything in one form
_ASKING = frozenset(
    stem(w)
    for w in "propos combien quel quelle quels quelles que qui quoi comment quand où pourquoi faire sanction prévue résultat règlement dit prévoit réagir "
    "faut droit tant dois puis mon ma mes cas condition temps délai".split()
)
_FUNCTION = frozenset(
    "le la les un une des de du au aux à et ou en dans par pour sur avec sans si lorsque quand se ne pas son sa ses leur ce il elle on est sont a ont "
    "doit doivent peut peuvent être avoir l d qu s n c plus moins tout tous toute toutes dès avant après pendant lors sous entre chaque".split()
)


def write_questions(chunks: Sequence[Chunk], profile: Profile) -> tuple[list[Question], list[Rejection]]:
    """French questions over the chunks, in their order, with the words, kinds and personas of ``profile``.

    Rejected are: a chunk that gives none (``no_question``, once a chunk), and a wording that nobody would say (``malformed``).
    """
    with using(profile):
        return _written(chunks)


def _written(chunks: Sequence[Chunk]) -> tuple[list[Question], list[Rejection]]:
    questions: list[Question] = []
    rejects: list[Rejection] = []
    for chunk in chunks:
        sound = list[Candidate]()
        for candidate in candidates_of(chunk):
            why = malformed(candidate.text)
            sound += [] if why else [candidate]
            rejects += [Rejection("synth.write", chunk.id, "candidate", "malformed", why, chunk.id, candidate.text)] if why else []
        chosen = [_with(candidate, ligatured(candidate.text, chunk.text)) for candidate in choose(chunk.id, sound)]
        if not chosen:
            rejects.append(Rejection("synth.write", chunk.id, "chunk", "no_question", "no sentence fits a pattern"))
        questions += [_question(chunk, candidate) for candidate in chosen]
    return questions, rejects


def ligatured(text: str, passage: str) -> str:
    """A question with the ligatures that its passage writes, which reading opens: "au coeur du plat" -> "au cœur du plat"."""
    for word in set(re.findall(r"\w*[œŒ]\w*", passage)):
        text = re.sub(rf"\b{normalise(word)}\b", word, text)
    return text


def candidates_of(chunk: Chunk) -> list[Candidate]:
    """Every acceptable candidate of a chunk, with its context where it needs one."""
    found: list[Candidate] = []
    topic, known = topic_of(chunk), subject_of(chunk)
    context, weak = context_of(chunk), weak_context_of(chunk)
    profile = words_in_force().profile
    domain, kinds = profile.field, profile.kind_names
    read = sentences_of(chunk)
    contrasts = contrast_questions(read)
    for sentence in read:
        proposed, known = sentence_questions(sentence, known)
        proposed = (
            proposed + [c for c in contrasts if c.place == sentence.place] + term_question(sentence.text, chunk.title, sentence.place)
        )
        for candidate in (c for c in proposed if c.kind in kinds):
            text = placed(placed(candidate.text, stage_of(chunk) if context.phrase else Context(), chunk.id), context, chunk.id)
            if candidate.pattern == "term":
                text = text.replace(domain, weak.phrase or domain) if domain else placed(text, weak, chunk.id)
            elif len(content(text)) < FEW_WORDS:
                text = placed(text, weak, chunk.id)
            if candidate.loose:
                text = _on_topic(text, topic) if topic else ""
            elif len(content(text)) < FEW_WORDS and candidate.pattern in PLAIN:
                text = "" if _says_role(candidate.voice) else _on_topic(text, topic)
            elif len(content(text)) < THIN_WORDS and candidate.pattern in THIN:
                text = _on_topic(text, topic) or ("" if candidate.pattern in ("how", "list-of") else text)
            if candidate.answer and text.startswith("À propos") and content(candidate.answer) & content(topic):
                text = ""  # the topic before it would be its answer
            if (
                text
                and WORDS[0] <= len(text.split()) <= WORDS[1]
                and specific(candidate.text, text, candidate.kind)
                and clean(candidate.text)
                and clean(text)
            ):
                found.append(_with(candidate, reworded(text, chunk.id + text)))
    return found or [_with(c, placed(c.text, context, chunk.id)) for c in heading_question(chunk) if c.kind in kinds]


_PARTS = ("du contrat", "du règlement", "des statuts", "du titre", "de la section")


def _says_role(voice: str) -> bool:
    """Whether a persona says who it is: then no topic goes before."""
    return any(persona.introduced for persona in words_in_force().profile.personas if persona.name == voice)


def _on_topic(text: str, topic: str) -> str:
    """A question that says little, with its topic before it; "" when there is none to name."""
    if not topic:
        return ""
    new, own = content(topic), content(text)
    parts = (*_PARTS, *words_in_force().profile.words.parts)
    if re.match(rf"à propos (?:{'|'.join(map(re.escape, parts))})\b", topic):  # the setting's own name, or a part's
        return ""
    if len(own - new) < 2:  # the topic would say what the question says, or say nearly all of it
        return ""
    return text if new and new <= own else f"{topic[:1].upper()}{topic[1:]}, {lower_first(text)}"


def _with(candidate: Candidate, text: str) -> Candidate:
    return replace(candidate, text=text)


def sentence_questions(sentence: Sentence, known: Phrase | None) -> tuple[list[Candidate], Phrase | None]:
    """A sentence's candidates, and whom a pronoun in the next sentence means."""
    text = sentence.text.rstrip(" .;:!?")
    if sentence.items or sentence.text.endswith(":"):
        return list_questions(sentence), None
    split = conditional(text)
    if split:
        main = clause(split.main)
        inner = clause(split.condition)
        subject = main.subject if main and main.subject.text != "on" else inner.subject if inner else None
        return scenario_questions(split, sentence.place, known), _remembered(subject)
    main = clause(text, known)
    found = impersonal_questions(text, sentence.place)
    if main is None:
        keeps = re.match(r"(?:Ils?|Elles?)\s", text) is not None
        return found, known if keeps else None
    found += fact_questions(main, sentence.place) + conditional_clause(main, sentence.place)
    return found, _remembered(main.subject)


def _remembered(subject: Phrase | None) -> Phrase | None:
    return subject if subject and subject.text != "on" and len(subject.text.split()) <= 4 else None


def content(text: str) -> set[str]:
    """The stems of a question that say what it is about."""
    generic = words_in_force().generic_stems
    found = {stem(word) for word in words(text) if len(word) > 1 and word not in _FUNCTION}
    return {s for s in found if s not in generic and s not in _ASKING}


def specific(bare: str, placed_text: str, kind: str) -> bool:
    """Whether a question (``bare`` without its setting) names enough to be understood, and found, without its passage."""
    own, whole = len(content(bare)), len(content(placed_text))
    if kind == "definition":
        return own >= 1
    return own >= 1 and whole >= (
        3 if re.search(r"\bqu?e?'?(?: doi| fait | font | peu| devien|el est le résultat)", bare.lower()) else 2 + (own < whole)
    )


def clean(text: str) -> bool:
    """No brackets left open, no pointer outside, no cited article number in place of a subject."""
    bare = text.rstrip(" ?")
    if points_away(bare) or dangling(bare) or re.search(r"[()\[\]|;<>=→⇒]|\.\.|\d\.\d|https?:|@", bare):
        return False
    if words_in_force().pattern(r"\b(?:<persons>) (?:[A-Z](?:\b|\d)|\d\b)|\bde la \?").search(bare):
        return False
    if re.search(r"\barticles?\s+(?:[A-Z]\.?)?\d|\b(?:l'article|annexe)\b", bare):
        return False
    return not re.search(
        r"\b(?:et|ou|de|du|des|la|le|les|un|une|à|au|aux|par|pour|que|qui|dont|si|en|sur|dans|ne|plus|son|sa|ses|quand|lorsque|très|selon|entre|avec|sans|ce|cet|cette|ces|leurs?|comme|mais|car|où|puis|donc|plutôt|bien|soit)$",
        bare,
    )


FOCUS = {
    "who": "who", "by-whom": "who", "how-many": "figure", "worth": "figure", "measure": "figure", "deadline": "figure", "duration": "figure",
    "how-long-before": "figure", "latest": "figure", "when": "figure", "in-which-case": "when", "always": "when", "why": "why", "definition": "what",
    "term": "what", "called": "what", "there-is": "what", "how": "how", "where": "where", "list-of": "list", "contains": "list",
    "may": "whether", "whether": "whether", "state": "whether", "entitled": "whether", "held-to": "whether", "must-one": "whether", "right": "whether",
    "may-i": "whether", "allowed": "whether", "object": "object", "to-whom": "to-whom", "to-what": "to-whom", "purpose": "why", "use": "why",
    "aim": "why", "manner": "how", "moment": "moment", "based": "object", "tasked": "object", "made-of": "list", "which-one": "what",
    "difference": "contrast", "points-apart": "contrast", "prevails": "contrast",
}  # fmt: skip


def choose(chunk_id: str, found: Iterable[Candidate]) -> list[Candidate]:
    """At most PER_CHUNK: one of a sentence, patterns and kinds varied, ties broken by content."""
    left = {c.text: c for c in sorted(found, key=lambda c: (c.text, c.weight))}
    chosen: list[Candidate] = []
    used: Counter[object] = Counter()

    def worth(c: Candidate) -> tuple[float, str]:
        variety = 0.3 * used[c.pattern] + 0.1 * used[c.kind] + 0.4 * used[c.place]
        return c.weight + NOISE * share(chunk_id + c.text) - variety, c.text

    while left and len(chosen) < PER_CHUNK:
        best = max(left.values(), key=worth)
        if worth(best)[0] < LEAST and chosen:
            break
        chosen.append(best)
        used.update((best.pattern, best.kind, best.place))
        focus = FOCUS.get(best.pattern, "if")
        left = {text: c for text, c in left.items() if c.place != best.place or FOCUS.get(c.pattern, "if") != focus}
    return sorted(chosen, key=lambda c: (c.place, c.text))


def _question(chunk: Chunk, candidate: Candidate) -> Question:
    return Question.make(
        chunk_id=chunk.id,
        text=candidate.text,
        kind=candidate.kind,
        persona=_persona(candidate),
        difficulty=_difficulty(candidate),
        provider="rules",
        model="rules",
        prompt=PROMPT,
        cost=0.0,
    )


def _persona(candidate: Candidate) -> str:
    """Who asks: the voice; else whose topic it is; else by share, the first persona being asked for what is left."""
    if candidate.voice:
        return candidate.voice
    first, *others = words_in_force().profile.personas
    for persona in (first, *others):
        if persona.topics and re.search(rf"\b(?:{'|'.join(map(re.escape, persona.topics))})", candidate.text, re.IGNORECASE):
            return persona.name
    drawn, taken = share(candidate.text), 0.0
    for persona in others:
        taken += persona.share
        if drawn < taken:
            return first.name if any(word in candidate.text for word in persona.avoids) else persona.name
    return first.name


def _difficulty(candidate: Candidate) -> str:
    if candidate.kind == "multi-condition" or len(candidate.text.split()) > 22:
        return "hard"
    return "easy" if candidate.kind in ("definition", "factual") and len(candidate.text.split()) <= 14 else "medium"
