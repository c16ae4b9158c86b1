"""From rankings to a verdict, a report and pictures, with rankings made by hand."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from triplette.ranking.metrics import Difference
from triplette.settings.train import EvaluateSettings
from triplette.train.data import Passages, Questions
from triplette.train.measure import (
    BASE,
    HYBRID,
    HYBRID_BASE,
    IMPROVED,
    NOT_SHOWN,
    TUNED,
    WORSE,
    Change,
    Measurement,
    judge,
    measure_set,
)
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


LEAST = Difference(before=0.4, after=0.45, delta=0.05, low=0.01, high=0.09, error=0.02, p_value=0.03, questions=100, groups=40)
NOTHING = replace(LEAST, after=0.4, delta=0.0, low=-0.04, high=0.04, p_value=1.0)
SMALL = replace(LEAST, low=-0.01, p_value=0.2)
FIGURES = (
    "nDCG@10 0.400 -> 0.450 (+0.050, 95 % interval {} to +0.090, p = {}) on 100 questions of test over 40 passages, at 64 dimensions"
)


def told(difference: Difference, *, fused: bool = False, bm25: Difference | None = None, alike: bool = False) -> Measurement:
    """A measurement that has nothing but what the verdict reads."""
    pair = (HYBRID_BASE, HYBRID) if fused else (BASE, TUNED)
    changes = [Change(*pair, VIEW, "nDCG@10", "", "", difference)]
    # other metrics, dimensions and slices say the contrary, and do not decide
    contrary = replace(difference, delta=-difference.delta, low=-difference.high, high=-difference.low)
    others = [(VIEW, "MRR@10", "", ""), ("32", "nDCG@10", "", ""), (VIEW, "nDCG@10", "kind", "factual")]
    changes += [Change(*pair, *other, contrary) for other in others]
    if bm25 is not None:
        changes.append(Change("BM25", pair[1], VIEW, "nDCG@10", "", "", bm25))
    each = {BASE: (0.4,), TUNED: (0.4 if alike else 0.45,)}
    return Measurement("test", 100, 40, (), tuple(changes), (), {}, each, {}, production=pair)


@pytest.mark.parametrize(
    ("difference", "word", "sentence"),
    [
        (LEAST, IMPROVED, f"improved: {FIGURES.format('+0.010', '0.0300')}"),
        (replace(LEAST, low=0.0), NOT_SHOWN, None),
        (replace(LEAST, p_value=0.0501), NOT_SHOWN, None),
        (replace(LEAST, p_value=0.05), IMPROVED, None),
        (replace(LEAST, delta=-0.05, low=-0.09, high=-0.01), WORSE, None),
        (
            SMALL, NOT_SHOWN, f"not shown: {FIGURES.format('-0.010', '0.2000')}; this set shows differences from about 0.056 up, "
            "so about 126 questions like these would show the observed one",
        ),
        (
            NOTHING, NOT_SHOWN, "not shown: nDCG@10 0.400 -> 0.400 (+0.000, 95 % interval -0.040 to +0.040, p = 1.0000) on 100 questions of "
            "test over 40 passages, at 64 dimensions; this set shows differences from about 0.056 up, and none was observed",
        ),
    ],
)  # fmt: skip
def test_the_word_and_the_sentence_follow_from_interval_and_test(difference: Difference, word: str, sentence: str | None) -> None:
    verdict = judge(told(difference), VIEW)
    assert verdict.word == word
    assert verdict.sentence.startswith(f"{word}: nDCG@10 ")
    assert sentence is None or verdict.sentence == sentence
    assert (verdict.metric, verdict.view, verdict.on, verdict.difference) == ("nDCG@10", VIEW, "test", difference)
    assert (verdict.needed, verdict.detectable) == (difference.needed(), difference.detectable)


def test_the_sentence_names_what_was_resampled_and_the_form_of_production() -> None:
    alone = judge(told(replace(LEAST, groups=100)), VIEW).sentence
    assert alone.endswith(" on 100 questions of test over 100 units, at 64 dimensions")
    assert judge(told(LEAST, fused=True), VIEW).sentence == f"improved: {FIGURES.format('+0.010', '0.0300')}, fused with BM25"


@pytest.mark.parametrize(("gain", "word"), [(-0.001, NOT_SHOWN), (0.0, IMPROVED), (0.001, IMPROVED)])
@pytest.mark.parametrize("fused", [False, True])
def test_a_gain_that_ends_below_bm25_is_none_and_as_good_as_bm25_is_one(gain: float, word: str, fused: bool) -> None:
    verdict = judge(told(LEAST, fused=fused, bm25=replace(LEAST, before=0.4511, delta=gain)), VIEW)
    assert verdict.word == word
    reason = "; but BM25 alone has 0.451 on the same questions, so this is no improvement"
    assert verdict.sentence.endswith(reason) is (gain < 0)


def test_a_loss_and_what_was_not_shown_say_nothing_of_bm25() -> None:
    behind = replace(LEAST, delta=-0.2)
    for difference in (replace(LEAST, delta=-0.05, low=-0.09, high=-0.01), SMALL):
        assert judge(told(difference, bm25=behind), VIEW).sentence == judge(told(difference), VIEW).sentence


def test_a_base_that_was_given_back_is_said_to_be_the_base() -> None:
    given_back = "; the two rank every question alike: no step was better than the base on val, so the base was given back"
    assert judge(told(NOTHING, alike=True), VIEW, given_back=True).sentence.endswith(f"at 64 dimensions{given_back}")
    assert judge(told(NOTHING, alike=True), VIEW).sentence.endswith("at 64 dimensions; the two rank every question alike")


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
    assert "http:" not in page
    assert "https:" not in page
    assert "class='verdict improved'" in page
    assert page.count("data:image/png;base64,") == 1


def test_pictures_are_png_and_the_same_bytes_each_time() -> None:
    m = measured(0.3, 0.8)
    for draw in (before_after, rank_shift):
        assert draw(m) == draw(m)
        assert draw(m).startswith(b"\x89PNG")
    assert dimension_curve(m, ["64", "64 int8"]).startswith(b"\x89PNG")
