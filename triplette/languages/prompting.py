"""The words of a prompt that the code puts in, in the prompt's language; the rest of a prompt is a file (``llm.prompts``)."""

from __future__ import annotations

from dataclasses import dataclass

from triplette.llm.answers import ASK_AGAIN


@dataclass(frozen=True)
class Prompting:
    """``colon`` stands between a name and what it means; ``{}`` is where a value goes.

    ``ask_again`` follows an answer that cannot be read ({error}: why); ``terms`` lists what must stay as it is; ``passage`` heads a numbered
    passage ({number}, {title}); ``answers`` are yes, no and unsure. ``example`` shows a question, a title and a passage to a reader of a card.
    """

    colon: str = ":"
    ask_again: str = ASK_AGAIN
    terms: str = "7. These terms stay as they are, neither translated nor split: {}."
    passage: str = "Passage {number}, title: {title}"
    answers: tuple[str, str, str] = ("yes", "no", "unsure")
    example: tuple[str, str, str] = ("Who is responsible?", "Title", "Text.")


ENGLISH_PROMPTS = Prompting()
