"""What the loss is told of its rows: false negatives of a batch are left out, and a teacher's scores are followed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_data import chunk, row, rules_dataset, small_base, write_dataset

from triplette.contract import CONTRACTS
from triplette.dataset import load_dataset
from triplette.errors import SettingError
from triplette.ranking.metrics import as_good
from triplette.rundir import RunDir
from triplette.settings.train import Preset, TrainSettings
from triplette.train.card import _besides
from triplette.train.data import training_texts
from triplette.train.fit import fit
from triplette.train.known import Known
from triplette.train.loss import informed, make_loss
from triplette.train.mix import check_mix, mixed
from triplette.train.models import load_base
from triplette.train.rounds import remined
from triplette.train.teacher import teach

E5 = CONTRACTS["e5"]
SCALE = 7.0


def unit(*angles: float) -> np.ndarray:
    """Unit vectors in the plane at these angles (degrees)."""
    turned = np.radians(np.array(angles))
    return np.array(np.stack([np.cos(turned), np.sin(turned)], axis=1), dtype=np.float32)


QUERIES, POSITIVES, OTHERS = unit(0, 50), unit(10, 70), unit(20, 40)


def softmax(values: np.ndarray) -> np.ndarray:
    raised = np.exp(values - values.max())
    return np.array(raised / raised.sum())


def loss_of(known: Known, rows: list[int], *, soft: float = 0.0, teacher: float = 4.0) -> float:
    import torch

    tensors = [torch.from_numpy(part) for part in (QUERIES, POSITIVES, OTHERS)]
    labels = torch.tensor(rows)
    return float(informed(tensors[0], tensors[1:], labels, labels, 0, known, scale=SCALE, soft=soft, teacher=teacher))


def test_a_planted_false_negative_is_no_negative_and_everything_else_is() -> None:
    # passage 3, the candidate of row 1, also answers row 0
    known = Known(np.array([[0, 1], [2, 3]]), (frozenset({0, 3}), frozenset({2})))
    assert known.barred([0, 1], [0, 1], 0, candidates=False).tolist() == [[False, False, False, True], [False, False, False, False]]
    cosines = QUERIES @ np.concatenate([POSITIVES, OTHERS]).T
    first = -np.log(softmax(SCALE * cosines[0, [0, 1, 2]])[0])
    second = -np.log(softmax(SCALE * cosines[1])[1])
    assert loss_of(known, [0, 1]) == pytest.approx((first + second) / 2, rel=1e-5)
    assert known.masked_share(2) == 0.5


def test_the_positive_itself_is_never_masked_by_itself() -> None:
    twice = Known(np.array([[0, 1], [0, 2]]), (frozenset({0}), frozenset({0})))
    assert twice.barred([0, 1], [0, 1], 0, candidates=False).tolist() == [[False, True, False, False], [True, False, False, False]]


def test_soft_labels_are_kl_to_the_teacher_and_a_share_of_infonce() -> None:
    known = Known(np.array([[0, 1], [2, 3]]), (frozenset({0}), frozenset({2})), np.array([[0.9, 0.6], [0.5, 0.7]], dtype=np.float32))
    cosines = QUERIES @ np.concatenate([POSITIVES, OTHERS]).T
    kl, contrast = [], []
    for number, (own, taught) in enumerate(zip(([0, 2], [1, 3]), known.teacher, strict=True)):  # type: ignore[arg-type]
        wanted, is_now = softmax(4.0 * taught), softmax(SCALE * cosines[number, own])
        kl.append(float((wanted * np.log(wanted / is_now)).sum()))
        others = [column for column in range(4) if column != own[1]]  # its own candidate is the teacher's to weigh
        contrast.append(-np.log(softmax(SCALE * cosines[number, others])[others.index(own[0])]))
    assert loss_of(known, [0, 1], soft=0.9) == pytest.approx(0.9 * np.mean(kl) + 0.1 * np.mean(contrast), rel=1e-5)


def test_a_row_without_a_teacher_has_no_share_in_the_distillation() -> None:
    both = Known(np.array([[0, 1], [2, 3]]), (frozenset({0}), frozenset({2})), np.array([[0.9, 0.6], [np.nan] * 2], dtype=np.float32))
    alone = softmax(4.0 * np.array([0.9, 0.6]))
    now = softmax(SCALE * (QUERIES @ np.concatenate([POSITIVES, OTHERS]).T)[0, [0, 2]])
    assert loss_of(both, [0, 1], soft=1.0) == pytest.approx(float((alone * np.log(alone / now)).sum()), rel=1e-5)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_base(tmp_path_factory.mktemp("base"))


def recipe(base: Path, **changes: Any) -> Preset:
    return replace(
        Preset(
            base=str(base), method="full", precision="fp32", matryoshka=False, batch=8, mini_batch=8, max_steps=8, learning_rate=4e-3
        ),
        **changes,
    )


@pytest.mark.parametrize("matryoshka", [False, True])
def test_gradients_of_the_cached_form_are_those_of_the_plain_one(base: Path, matryoshka: bool) -> None:
    import torch

    known = Known(
        np.array([[n, n + 8] for n in range(8)]), tuple(frozenset({n, 9}) for n in range(8)),
        np.linspace(0, 1, 16, dtype=np.float32).reshape(8, 2),
    )  # fmt: skip
    texts = [[f"{word} {number} roi dame tour" for number in range(8)] for word in ("salle", "ronde", "table")]
    found = []
    for mini in (8, 4):
        loaded = load_base(str(base), recipe(base), device="cpu")
        preset = recipe(base, mini_batch=mini, soft_labels=0.5, matryoshka=matryoshka)
        loss = make_loss(loaded.model, preset, loaded.contract.dimensions, mini, known)
        value = loss([loaded.model.preprocess(column) for column in texts], torch.arange(8))
        value.backward()
        found.append((float(value.detach()), {n: p.grad.clone() for n, p in loaded.model.named_parameters() if p.grad is not None}))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-4)
    assert found[0][1]
    assert all(torch.allclose(gradient, found[1][1][name], atol=2e-5) for name, gradient in found[0][1].items())


def small(tmp_path: Path) -> RunDir:
    """Four passages; the second says what the first says; the question of row 1 is answered by the fourth for its words."""
    rule = "Le joueur note chaque coup sur la feuille de partie avant de jouer le suivant, sauf permission de l'arbitre."
    chunks = [
        chunk(rule, "Feuille", "a.md", 0),
        chunk(rule + " Rapide aussi.", "Feuille", "b.md", 1000),
        chunk("La pendule reste au milieu de la table.", "Pendule", "a.md", 2000),
        chunk("Le drapeau tombe quand le temps est fini.", "Drapeau", "a.md", 3000),
    ]
    rows = [
        row("train", 0, "Que note le joueur sur la feuille ?", chunks[0], [chunks[2]]),
        row("train", 1, "Quand le drapeau tombe le temps est fini ?", chunks[2], [chunks[3]]),
    ]
    run = RunDir(tmp_path)
    write_dataset(run, chunks, rows)
    return run


def test_look_alikes_and_further_positives_are_answers_to_the_loss(tmp_path: Path) -> None:
    dataset = load_dataset(small(tmp_path))
    ids = list(dataset.corpus)
    more = replace(dataset, rows=(replace(dataset.rows[0], positive_ids=(ids[0], ids[2])), dataset.rows[1]))
    texts = training_texts(more, E5, negatives=0, mask=True, every_positive=True)
    assert texts.columns["anchor"] == [f"query: {more.rows[number].question}" for number in (0, 0, 1)]
    assert texts.known is not None
    assert texts.known.answers == (frozenset({0, 1, 2}), frozenset({0, 1, 2}), frozenset({2}))
    assert texts.known.passages.tolist() == [[0], [2], [2]]
    assert training_texts(dataset, E5, negatives=0).known is None


def test_the_teacher_offers_the_best_that_is_no_answer_and_filters_by_rank(tmp_path: Path) -> None:
    dataset = load_dataset(small(tmp_path))
    ids = list(dataset.corpus)
    flat = np.full((4, 2), np.sqrt(0.5), dtype=np.float32)  # the encoder says nothing: BM25 decides
    preset = Preset(soft_labels=0.9, soft_candidates=1, consistent=1)
    taught = teach(dataset, flat[:2], flat, preset)
    assert ids[1] not in taught.candidates[0]  # it looks like the answer
    assert taught.candidates[1] == (ids[3],)
    assert taught.scores[1][0] > taught.positives[1][ids[2]]
    assert taught.kept == (True, False)
    texts = training_texts(dataset, E5, negatives=3, taught=taught)
    assert (len(texts), texts.dropped) == (1, 1)
    assert texts.known is not None
    assert texts.known.teacher is not None
    assert texts.known.teacher[0] == pytest.approx([taught.positives[0][ids[0]], *taught.scores[0]])
    only = training_texts(dataset, E5, negatives=1, taught=teach(dataset, flat[:2], flat, replace(preset, soft_labels=0.0)))
    assert (len(only), only.known, list(only.columns)) == (1, None, ["anchor", "positive", "negative_1"])
    with pytest.raises(SettingError, match="candidates"):
        teach(dataset, flat[:2], flat, replace(preset, soft_candidates=4))


def test_a_fit_with_soft_labels_masks_and_mixes_and_keeps_what_val_liked_best(tmp_path: Path, base: Path) -> None:
    run = rules_dataset(tmp_path / "run", pieces=2)
    preset = recipe(base, soft_labels=0.9, soft_candidates=2, mask=True, mix=(0.0, 0.5), consistent=60)
    result = fit(run, TrainSettings(evaluations=2, keep="last", log_to=("none",)), preset, ungated=True, device="cpu")
    assert set(result.mixes) == {"0", "0.5", "1"}
    assert result.mixes["0"] == pytest.approx(result.base_ndcg, abs=1e-5)
    assert result.mixes["1"] == pytest.approx(result.restored_ndcg, abs=1e-5)
    assert result.mixes[f"{result.mix:g}"] == pytest.approx(max(result.mixes.values()), abs=0.1)  # within a standard error of the best
    entry = run.last("train.fit")
    assert entry is not None
    told = _besides(entry["settings"], entry["result"])
    assert "0.9 of the loss follows BM25" in told
    assert f"weights: {result.mix:g} of the tuned ones" in told
    assert f"{result.inconsistent} questions left out" in told
    assert 0 <= result.inconsistent < len(load_dataset(run).split("train"))


def test_what_val_cannot_tell_from_its_best_is_within_a_standard_error_of_the_paired_difference() -> None:
    best = np.array([1.0, 0.5, 1.0, 0.5])
    assert as_good({1.0: best, 0.5: best - 0.1}) == [1.0]  # less on every question: no error at all
    assert as_good({1.0: best, 0.5: best - np.array([0.3, 0.0, -0.1, 0.0])}) == [1.0, 0.5]  # 0.05 less, give or take 0.087
    assert as_good({1.0: best, 0.5: best - np.array([0.3, 0.2, 0.1, 0.0])}) == [1.0]  # 0.15 less, give or take 0.065
    assert as_good({1.0: best, 0.75: best, 0.5: best, 0.0: best - 0.2}) == [1.0, 0.75, 0.5]
    assert as_good({1.0: best - 0.2, 0.25: best}) == [0.25]
    assert as_good({1.0: best[:1], 0.5: best[1:2]}) == [1.0]  # one question has no error to be within
    assert as_good({1.0: best, 0.5: best - 0.25, 0.0: best - 0.26}, slack=0.25) == [1.0, 0.5]
    assert as_good({1.0: best, 0.5: best - np.array([0.3, 0.0, -0.1, 0.0])}, slack=0.01) == [1.0, 0.5]  # the greater of the two


def test_an_adapter_is_mixed_by_its_second_matrix_and_a_weight_between_both_ends() -> None:
    import torch

    start = {"w": torch.tensor([1.0, 3.0])}
    tuned = {"w": torch.tensor([3.0, 5.0]), "q.lora_A.weight": torch.tensor([2.0]), "q.lora_B.weight": torch.tensor([4.0])}
    half = mixed(start, tuned, 0.25)
    assert {name: value.tolist() for name, value in half.items()} == {
        "w": [1.5, 3.5],
        "q.lora_A.weight": [2.0],
        "q.lora_B.weight": [1.0],
    }
    with pytest.raises(SettingError, match="6 shares"):
        check_mix(Preset(mix=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6)))


def test_the_next_round_trains_on_what_the_tuned_model_confuses(tmp_path: Path) -> None:
    dataset = load_dataset(small(tmp_path))
    ids = list(dataset.corpus)
    passages = np.array([[1, 0], [1, 0], [0.6, 0.8], [0.995, np.sqrt(1 - 0.995**2)]], dtype=np.float32)
    queries = np.array([[1, 0], [0, 1]], dtype=np.float32)
    found, kept = remined(dataset, queries, passages, 2)
    first, second = found.split("train")
    assert first.negative_ids == (ids[2],)  # 1 looks like the answer, 3 is too near to it to be sure
    assert second.negative_ids == (ids[3], ids[0])
    assert kept == 2
    assert dataset.rows[0].negative_ids == (ids[2],)  # a decision is a new record
    assert remined(dataset, queries, passages, 2, share=1.0)[0].split("train")[0].negative_ids == (ids[3], ids[2])


def test_two_rounds_are_a_fit_and_rounds_without_hard_negatives_are_refused(tmp_path: Path, base: Path) -> None:
    run = rules_dataset(tmp_path / "run", pieces=2)
    result = fit(run, TrainSettings(evaluations=1, log_to=("none",)), recipe(base, negatives=1, rounds=2), ungated=True, device="cpu")
    assert result.steps == 8
    for changes, cure in (({"negatives": 0}, "--negatives 1"), ({"negatives": 1, "soft_labels": 0.5}, "soft_labels = 0")):
        with pytest.raises(SettingError, match="no round") as refused:
            fit(run, TrainSettings(), recipe(base, rounds=2, **changes), ungated=True, device="cpu")
        assert cure in (refused.value.cure or "")
