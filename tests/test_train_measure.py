"""From rankings to a verdict, a report and pictures, with rankings made by hand."""

from __future__ import annotations

import random

import numpy as np
import pytest

from triplette.settings.train import EvaluateSettings
from triplette.train.data import Passages, Questions
from triplette.train.measure import BASE, HYBRID, HYBRID_BASE, IMPROVED, NOT_SHOWN, TUNED, WORSE, Measurement, judge, measure_set
from triplette.train.plots import before_after, dimension_curve, rank_shift
from triplette.train.report import render

SETTINGS = EvaluateSettings(resamples=500, min_slice=5)
VIEW = "64"
EVIL = '<script>alert(1)</script> & "l\'arbitre"'


def questions(count: int, *, per_passage: int = 1) -> Questions:
    passages = Passages(
        tuple(f"c{i}" for i in range(50)), tuple(f"Titre {i} {EVIL}" for i in range(50)), tuple("x" for _ in range(50)), ("fr",) * 50
    )
    answers = [(i // per_passage) % 50 for i in range(count)]
    return Questions(
        name="test", ids=tuple(f"q{i}" for i in range(count)), texts=tuple(f"Question {i} {EVIL}" for i in range(count)),
        relevant=tuple((a,) for a in answers), groups=tuple(f"c{a}" for a in answers), passages=passages,
        labels={"kind": tuple(EVIL if i % 4 else "factual" for i in range(count)), "document": tuple("one.md" for _ in range(count))},
    )  # fmt: skip


def ranking(asked: Questions, found_share: float, seed: int = 0) -> np.ndarray:
    """The answer first for a share of the questions, else beyond the ten."""
    rng, rows = random.Random(seed), []
    for (answer,) in asked.relevant:
        others = [i for i in range(50) if i != answer]
        rows.append([answer, *others[:19]] if rng.random() < found_share else [*others[:19], answer])
    return np.array(rows)


def measured(before: float, after: float, count: int = 120, **more: int) -> Measurement:
    asked = questions(count, **more)
    rankings = {
        (s, v): ranking(asked, share, 1 + (s == TUNED)) for s, share in ((BASE, before), (TUNED, after)) for v in (VIEW, "64 int8")
    }
    rankings |= {("BM25", ""): ranking(asked, 0.5, 5), ("LSA", ""): ranking(asked, 0.4, 6)}
    return measure_set(asked, rankings, SETTINGS, view=VIEW, seed=0)


@pytest.mark.parametrize(("before", "after", "word"), [(0.3, 0.8, IMPROVED), (0.5, 0.52, NOT_SHOWN), (0.8, 0.3, WORSE)])
def test_the_verdict_says_what_the_declared_test_shows(before: float, after: float, word: str) -> None:
    verdict = judge(measured(before, after), VIEW)
    assert verdict.word == word
    assert verdict.sentence.startswith(f"{word}: nDCG@10 ")
    assert "p = " in verdict.sentence


def test_a_set_too_small_says_what_it_can_show_and_how_many_questions_would_do() -> None:
    verdict = judge(measured(0.5, 0.7, count=20), VIEW)
    assert verdict.word == NOT_SHOWN
    assert verdict.needed is not None
    assert verdict.needed > 20
    assert f"about {verdict.needed} questions like these would show the observed one" in verdict.sentence
    assert "shows differences from about" in verdict.sentence


def test_a_model_that_changed_nothing_is_said_to_have_changed_nothing() -> None:
    asked = questions(30)
    same = {(s, VIEW): ranking(asked, 0.5, 3) for s in (BASE, TUNED)}
    verdict = judge(measure_set(asked, same, SETTINGS, view=VIEW, seed=0), VIEW)
    assert verdict.word == NOT_SHOWN
    assert verdict.needed is None
    assert "rank every question alike" in verdict.sentence


def test_questions_over_one_passage_make_wider_intervals() -> None:
    alone, shared = judge(measured(0.3, 0.6), VIEW), judge(measured(0.3, 0.6, per_passage=6), VIEW)
    assert shared.difference.groups == 20
    assert alone.difference.groups == 50
    assert "over 20 passages" in shared.sentence


def test_tuned_is_compared_with_base_at_every_view_and_with_baselines_at_productions() -> None:
    changes = [c for c in measured(0.3, 0.8).changes if not c.facet]
    assert {(c.before, c.view) for c in changes} == {(BASE, "64"), (BASE, "64 int8"), ("BM25", VIEW), ("LSA", VIEW)}
    assert {c.metric for c in changes} == {"nDCG@10", "Recall@1", "Recall@5", "Recall@10", "MRR@10", "MAP@20"}


def hybrid(before: float, after: float, bm25: float) -> Measurement:
    """As ``measured`` with tuned far behind base, and both fused with BM25."""
    asked = questions(120)
    shares = {(BASE, VIEW): 0.8, (TUNED, VIEW): 0.2, ("BM25", ""): bm25, (HYBRID_BASE, ""): before, (HYBRID, ""): after}
    rankings = {key: ranking(asked, share, number) for number, (key, share) in enumerate(shares.items())}
    return measure_set(asked, rankings, SETTINGS, view=VIEW, seed=0)


def test_the_verdict_is_on_the_form_of_production() -> None:
    found = hybrid(0.3, 0.8, 0.4)
    verdict = judge(found, VIEW)
    assert verdict.word == IMPROVED
    assert "fused with BM25" in verdict.sentence
    assert found.production == (HYBRID_BASE, HYBRID)
    assert verdict.difference.after == pytest.approx(found.value(HYBRID, "").mean)
    assert {(c.before, c.after) for c in found.changes if not c.facet} == {
        (BASE, TUNED), ("BM25", TUNED), (BASE, HYBRID), (TUNED, HYBRID), ("BM25", HYBRID), (HYBRID_BASE, HYBRID)
    }  # fmt: skip
    page = render({}, verdict, [found], {}, SETTINGS)
    assert "Production (BM25+tuned) against the others" in page
    assert "BM25+tuned</td><td> (production)" in page


def test_what_lies_below_bm25_is_no_improvement() -> None:
    verdict = judge(hybrid(0.2, 0.5, 0.9), VIEW)
    assert verdict.difference.shown == 1
    assert verdict.word == NOT_SHOWN
    assert "BM25 alone has 0." in verdict.sentence
    alone = judge(measured(0.1, 0.35), VIEW)  # BM25 has half of them
    assert (alone.difference.shown, alone.word) == (1, NOT_SHOWN)


def test_slices_with_one_label_are_left_out_and_the_others_add_up() -> None:
    found = [c for c in measured(0.3, 0.8).changes if c.facet]
    assert {c.facet for c in found} == {"kind"}
    assert sum(c.difference.questions for c in found) == 120


def test_won_and_lost_questions_carry_their_ranks() -> None:
    m = measured(0.3, 0.8)
    assert all((moved.after > moved.before) == (moved.rank_after == 1) for moved in m.moved)
    assert len(m.moved) == sum(b != a for b, a in zip(m.per_question[BASE], m.per_question[TUNED], strict=True))


def test_the_report_escapes_every_text_and_loads_nothing() -> None:
    m = measured(0.3, 0.8)
    page = render({"base model": EVIL}, judge(m, VIEW), [m], {"test": [("cap'tion", b"png")]}, SETTINGS)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "http" not in page
    assert "class='verdict improved'" in page
    assert page.count("data:image/png;base64,") == 1


def test_pictures_are_png_and_the_same_bytes_each_time() -> None:
    m = measured(0.3, 0.8)
    for draw in (before_after, rank_shift):
        assert draw(m) == draw(m)
        assert draw(m).startswith(b"\x89PNG")
    assert dimension_curve(m, ["64", "64 int8"]).startswith(b"\x89PNG")
