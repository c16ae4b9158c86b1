"""Which negatives the rules take to answer: copies become positives, what they cannot be sure of is dropped, each with its reason."""

from __future__ import annotations

from dataclasses import replace

from judged import GOOD, corpus, triplet

from triplette.curate.judge.negatives import NegativeJudge
from triplette.curate.judge.passages import Corpus
from triplette.records import Chunk, Triplet, Verdict
from triplette.settings.judge import JudgeSettings


def verdict(made: Triplet, chunks: dict[str, Chunk], settings: JudgeSettings | None = None) -> Verdict:
    """The rules' verdict on the first negative of a triplet."""
    by_id = {chunk.id: chunk for chunk in chunks.values()}
    return NegativeJudge(by_id, Corpus(chunks.values()), settings or JudgeSettings()).verdicts(made)[0]


def test_a_negative_about_something_else_is_kept() -> None:
    chunks = corpus()
    _, made = triplet(GOOD["retard"], chunks["retard"], [chunks["pendule"]])
    found = verdict(made, chunks)
    assert (found.decision, found.chunk_id, found.subject_id) == ("keep", chunks["pendule"].id, f"{made.id}/{chunks['pendule'].id}")
    assert {score.criterion for score in found.scores} == {"containment", "focus", "overlap"}


def test_a_negative_that_says_what_the_positive_says_becomes_a_further_positive() -> None:
    chunks = corpus()
    chunks["copie"] = replace(
        chunks["retard"], id="c-copy", text=f"{chunks['retard'].text} Rappel publié chaque saison.", source="b.md"
    )
    _, made = triplet(GOOD["retard"], chunks["retard"], [chunks["copie"]])
    found = verdict(made, chunks)
    assert found.decision == "positive"
    assert found.reason.startswith("says what the positive says")


def test_half_a_copy_is_unsure() -> None:
    chunks = corpus()
    first = chunks["retard"].text.split(". ")[0]
    mixed = f"{first}. {chunks['pendule'].text.split('. ')[1][:60]}"
    chunks["moitie"] = replace(chunks["retard"], id="c-half", text=mixed, source="b.md")
    _, made = triplet(GOOD["retard"], chunks["retard"], [chunks["moitie"]])
    found = verdict(made, chunks)
    assert found.decision == "unsure"
    assert found.reason.startswith("half a copy")


def test_a_negative_that_answers_in_other_words_is_dropped_as_unsure() -> None:
    answers = {
        "text": "Un joueur absent de son échiquier est déclaré perdant au bout de trente minutes, combien que l'on attende de temps encore."
    }
    chunks = corpus(appel=answers)
    _, made = triplet(GOOD["retard"], chunks["retard"], [chunks["appel"]])
    found = verdict(made, chunks)
    assert found.decision == "unsure"
    assert "of the question's words" in found.reason


def test_a_negative_as_near_as_the_positive_is_unsure() -> None:
    chunks = corpus()
    _, made = triplet(GOOD["retard"], chunks["retard"], [chunks["elo"]])
    near = replace(made.negatives[0], dense_score=made.positive_dense)
    found = verdict(replace(made, negatives=(near,)), chunks)
    assert found.decision == "unsure"
    assert found.reason.startswith("as near to the question as the positive")


def test_a_negative_that_both_rankers_put_first_is_unsure() -> None:
    chunks = corpus()
    _, made = triplet(GOOD["retard"], chunks["retard"], [chunks["elo"]], positive_bm25_rank=9, positive_dense_rank=9)
    found = verdict(made, chunks)
    assert (found.decision, found.reason) == ("unsure", "both rankers put it before the positive")


def test_an_orphan_and_the_positive_itself_are_dropped_and_named() -> None:
    chunks = corpus()
    _, made = triplet(GOOD["retard"], chunks["retard"], [chunks["elo"]])
    orphan = replace(made, negatives=(replace(made.negatives[0], chunk_id="c-gone"),))
    assert (verdict(orphan, chunks).decision, verdict(orphan, chunks).reason) == ("drop", "orphan: no such chunk")
    itself = replace(made, negatives=(replace(made.negatives[0], chunk_id=made.positive_id),))
    assert (verdict(itself, chunks).decision, verdict(itself, chunks).reason) == ("drop", "it is the positive")


def test_the_limits_are_settings() -> None:
    chunks = corpus()
    _, made = triplet(GOOD["retard"], chunks["retard"], [chunks["pendule"]])
    strict = JudgeSettings(near_positive=0.5)
    assert verdict(made, chunks, strict).reason.startswith("as near")
