"""What a profile can say: one dataclass a table of its TOML file, each field with its documentation.

Everything has a default, so that a profile says only what is its own. A word list is written as one text, split at white space, or as a list;
phrases are always lists. A pattern is a regular expression of Python's.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

WORDS, PATTERN, TABLES = "words", "pattern", "tables"  # the forms that a field's text may have besides plain


def told(default: Any, doc: str, form: str = "", **limits: Any) -> Any:
    """A field with its documentation, the form of its text, and ``low``, ``high`` or ``choices``."""
    return dataclasses.field(default=default, metadata={"doc": doc, "form": form, **limits})


@dataclass(frozen=True, slots=True)
class Persona:
    """[[personas]]"""

    name: str = told("", "A word that stands in the data: lower case, no spaces.")
    who: str = told("", "Who it is, in a sentence that a writer is given.")
    weight: float = told(1.0, "How often it asks, beside the others, when an LLM writes.", low=0.0, high=1000.0)
    also: tuple[str, ...] = told((), "What other people's files call it: `synth import` reads these as this persona.")
    topics: tuple[str, ...] = told(
        (), "Beginnings of words: a question of the built-in rules that has one is asked by this persona.", WORDS
    )
    share: float = told(
        0.0, "Share of the rules' other questions that it asks, 0 to 1; the first persona asks the rest.", low=0.0, high=1.0
    )
    avoids: tuple[str, ...] = told((), "Words of questions that this persona's share leaves to the first.", WORDS)
    says_i: tuple[str, ...] = told(
        (), 'Nouns in whose place it says "I": "the reader may" becomes "may I". For the built-in rules.', WORDS
    )
    introduced: str = told("", 'How it says who it is, where "I" alone would not tell: "as the referee".')


@dataclass(frozen=True, slots=True)
class Kind:
    """[[kinds]]"""

    name: str = told("", "A word that stands in the data. The built-in rules know factual, procedural, scenario, definition, comparison, "
                         "multi-condition, and write no kind that is not listed.")  # fmt: skip
    asks: str = told("", "What such a question asks, in a sentence that a writer is given.")
    weight: float = told(1.0, "How often it is asked for, beside the others, when an LLM writes.", low=0.0, high=1000.0)
    also: tuple[str, ...] = told((), "What other people's files call it: `synth import` reads these as this kind.")


@dataclass(frozen=True, slots=True)
class Difficulties:
    """[difficulties]: what other people's files call them; `synth import` reads these."""

    easy: tuple[str, ...] = told((), "Easy.", WORDS)
    medium: tuple[str, ...] = told((), "Medium.", WORDS)
    hard: tuple[str, ...] = told((), "Hard.", WORDS)


@dataclass(frozen=True, slots=True)
class Setting:
    """[[settings]]: headings that a question must name to stand alone, as "in blitz" or "in the cup"."""

    part: str = told(
        "title",
        "Where it stands: 'title' (the outermost heading), 'path' (any heading, in small letters without accents), or 'stage' (an inner "
        "heading, named together with a title's setting).",
        choices=("title", "path", "stage"),
    )
    pattern: str = told("", "What the heading looks like.", PATTERN)
    phrase: str = told("", "How a question says it; {} is the heading.")
    named: str = told("", "Words that name it already. Empty: the heading's own beginning.", PATTERN)
    letters: int = told(12, "Letters of the heading that are enough to name it, where `named` is empty.", low=1, high=200)
    case: str = told(
        "kept", "The heading's letters in the phrase: 'kept', 'first' small, or 'all' small.", choices=("kept", "first", "all")
    )
    noun: str = told("", 'A bare noun in whose place the heading is said: "the championship" becomes "the Danish Championship".')
    weak: bool = told(False, "Only a question with few words of its own takes it.")


@dataclass(frozen=True, slots=True)
class Score:
    """[[scores]]: outcomes that a passage gives figures for, so that two of them can be compared."""

    pattern: str = told("", "How a passage says the outcome.", PATTERN)
    name: str = told("", "How a question names it.")


@dataclass(frozen=True, slots=True)
class Words:
    """[words]: words of the domain that the built-in rules need besides the language's."""

    persons: tuple[str, ...] = told((), "Who can act: duties and 'who' are asked of these.", WORDS)
    anyone: str = told("", "The noun for anybody whom the rules are about, singular: 'reader'. Empty: the language's.")
    many: tuple[str, ...] = told((), "Persons of whom any one is meant: 'the reader must' is asked as 'must a reader'.", WORDS)
    sanctioned: tuple[str, ...] = told((), "Who can be punished. Empty: everybody who can act.", WORDS)
    recipients: tuple[str, ...] = told((), "To whom things are handed, with the preposition.")
    things: tuple[str, ...] = told((), "Things that their bare name is enough to know: 'the pool', 'the card'.", WORDS)
    generic: tuple[str, ...] = told((), "Words that most passages have: they do not say what a question is about.", WORDS)
    masculine: tuple[str, ...] = told((), "Nouns of the domain that are masculine and whose ending does not say so.", WORDS)
    feminine: tuple[str, ...] = told((), "Nouns of the domain that are feminine and whose ending does not say so.", WORDS)
    sanctions: tuple[str, ...] = told((), "Parts of words or phrases that name a punishment.")
    units: tuple[str, ...] = told((), "What is counted, as patterns: 'books?'.", PATTERN)
    names: tuple[str, ...] = told((), "Words that keep their capital when a heading in capitals is written small.", WORDS)
    accented: tuple[str, ...] = told((), "Words that headings in capitals write without their accents.", WORDS)
    parts: tuple[str, ...] = told((), "Topics that are the collection's own name or part of it: never 'about the championship'.")
    synonyms: tuple[tuple[str, ...], ...] = told((), "A pattern and what says the same: [['\\bthe pool\\b', 'the basin']].", TABLES)
    refused: tuple[str, ...] = told((), "Wordings that nobody would say: a question that has one is not asked.", PATTERN)


@dataclass(frozen=True, slots=True)
class Scenes:
    """[scenes]: scenes told in the first person by the built-in rules. Without ``subject`` there are none."""

    subject: str = told("", "Who does what the scene tells, singular.")
    subjects: str = told("", "The same, plural.")
    rival: str = told("", "How the one who asks calls that person: 'my opponent'.")
    asker: str = told("", "The persona that asks.")
    official: str = told("", "Who decides, with the article.")
    official_persona: str = told("", "The persona of who decides.")
    others: str = told("", "Words that bring a third person in: then only who decides can tell the scene.", PATTERN)
    outcome: str = told("", "What a passage says when it gives an outcome.", PATTERN)
    outcome_question: str = told("", "How the outcome is asked for.")
    unit: str = told("", "What the outcomes of [[scores]] are counted in, plural.")


@dataclass(frozen=True, slots=True)
class Judging:
    """[judge]: words of the domain that the rules judge needs besides the language's. Patterns are for small letters without accents."""

    events: tuple[str, ...] = told((), "What 'this ...' points at from outside, however much was said before.", WORDS)
    example: tuple[str, ...] = told((), "Wordings that are about one worked example.", PATTERN)
    cell: tuple[str, ...] = told((), "Wordings that ask for a cell of a table of figures, where the passage is one.", PATTERN)
    counted: tuple[str, ...] = told((), "Nouns whose 'what is the ...' asks for a number.", PATTERN)
    about: tuple[str, ...] = told((), "Wordings about the document instead of what it rules.", PATTERN)
    asking: tuple[str, ...] = told((), "Words that nearly every question has: they are not its subject.", WORDS)
    alternatives: tuple[str, ...] = told((), "Words of which one on one side only makes another question: 'indoor', 'outdoor'.", WORDS)
    light: tuple[str, ...] = told((), "Words that tell no question from another, however it is asked.", WORDS)


@dataclass(frozen=True, slots=True)
class Prompting:
    """[prompts]: the parts of the prompts that depend on the domain."""

    askers: str = told("", "Who would ask, with 'or': what the judge measures realism by.")
    practice: str = told("", "A question as they ask it: 'a question of practice'.")
    example: str = told("", "What only a worked example has: 'invented persons or a cell of a table'.")
    unnamed: str = told("", "What an unclear question leaves out: 'which service or which case'.")
    other_cases: str = told("", "What a passage that does not answer speaks of, besides another case: 'another service'.")


@dataclass(frozen=True, slots=True)
class Review:
    """[review]: what reviewers read. English where a profile says nothing."""

    guidelines: str = told("", "The page of guidelines (Markdown).")
    question: str = told("Question", "Title of the question.")
    positive: str = told("Passage that should answer", "Title of the passage.")
    negative: str = told("Negative {}", "Title of a negative; {} is its number.")
    untitled: str = told("untitled", "A passage without a heading.")
    verdict: str = told("Your verdict", "Title of the verdict.")
    verdict_help: str = told("Is the question natural, and does the passage answer it?", "What the verdict asks.")
    valid: str = told("Valid", "The verdict that keeps.")
    invalid: str = told("Invalid", "The verdict that rejects.")
    unsure: str = told("I do not know", "The verdict that waits.")
    issues: str = told("Problems seen", "Title of the problems.")
    issues_help: str = told("All that apply. Untick what the judge ticked wrongly.", "What the problems ask.")
    not_in_passage: str = told("The answer is not in the passage", "A problem.")
    copied: str = told("Wording copied from the passage", "A problem.")
    ambiguous: str = told("Ambiguous question", "A problem.")
    off_topic: str = told("Off topic", "A problem.")
    bad_language: str = told("Bad grammar or spelling", "A problem: the question's language.")
    answers_too: str = told("Negative {} answers too", "A problem; {} is the negative's number.")
    hardness: str = told("Difficulty of the negatives", "Title of the negatives' difficulty.")
    hardness_help: str = told("1: put aside without reading. 5: one must know the rule.", "What the difficulty asks.")
    rewrite: str = told("Better wording", "Title of the rewritten question.")
    rewrite_help: str = told("The question, rewritten. Empty if it is fine.", "What the rewriting asks.")
    kind: str = told("Kind of question", "A row's label.")
    persona: str = told("Persona", "A row's label.")
    difficulty: str = told("Difficulty", "A row's label.")
    writer: str = told("Writer", "A row's label.")
    source: str = told("Document", "A row's label.")
    split: str = told("Split", "A row's label.")
    why: str = told("Why this row", "A row's label.")
    judge: str = told("The judge's opinion", "A row's label.")
    judge_score: str = told("The judge's score", "A row's label.")
    margin: str = told("Margin of the hardest negative", "A row's label.")


@dataclass(frozen=True, slots=True)
class Profile:
    """A whole profile: plain fields, then one table or list of tables each."""

    name: str = told("", "What the profile is called; the file's name where it is empty.")
    language: str = told("", "Its language, as ISO 639-1: 'fr', 'en', ...")
    about: str = told("", "What the documents are, in a sentence.")
    collection: str = told("", "What the collection is called, with the article: 'the rules'. Empty: no question names it.")
    field: str = told("", "The domain as a question names it: 'in cycling'. Empty: no question names it.")
    terms: tuple[str, ...] = told((), "Terms that must not be translated, split or written small.")
    this_document: tuple[str, ...] = told((), "Phrases that mean this very document: a question with one does not stand alone.")
    personas: tuple[Persona, ...] = told((), "Who asks; the first is whom a question is given when nothing decides.")
    kinds: tuple[Kind, ...] = told((), "The kinds of question.")
    difficulties: Difficulties = told(Difficulties(), "Other people's words for how hard a question is.")
    settings: tuple[Setting, ...] = told((), "Headings that a question must name to stand alone.")
    scores: tuple[Score, ...] = told((), "Outcomes that are counted.")
    words: Words = told(Words(), "Words of the domain.")
    scenes: Scenes = told(Scenes(), "Scenes in the first person.")
    judge: Judging = told(Judging(), "Words for the rules judge.")
    prompts: Prompting = told(Prompting(), "Parts of the prompts.")
    review: Review = told(Review(), "What reviewers read.")

    @property
    def kind_names(self) -> tuple[str, ...]:
        """The names of the kinds, in the file's order."""
        return tuple(kind.name for kind in self.kinds)

    @property
    def asked_kinds(self) -> tuple[str, ...]:
        """The names of the kinds that a model is asked for: those of a weight over 0."""
        return tuple(kind.name for kind in self.kinds if kind.weight > 0)

    @property
    def persona_names(self) -> tuple[str, ...]:
        """The names of the personas, in the file's order."""
        return tuple(persona.name for persona in self.personas)
