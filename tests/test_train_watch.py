"""The judge of a fine-tune: early stopping on nDCG@10, the three alarms, and resuming in the middle."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from triplette.settings.train import TrainSettings
from triplette.train.watch import BEST, STATE, Judge, Measured, last_checkpoint

SETTINGS = TrainSettings(patience=3, threshold=0.001)


def watch(judge: Judge, *rows: tuple[float, float, float]) -> Judge:
    for ndcg, train_loss, val_loss in rows:
        judge.see(Measured(len(judge.history) * 10, ndcg, train_loss, val_loss))
        if judge.stopped:
            break
    return judge


def test_it_stops_after_three_evaluations_without_a_gain_and_keeps_the_best_step() -> None:
    judge = watch(Judge(SETTINGS), (0.5, 2, 2), (0.6, 1.8, 1.8), (0.59, 1.6, 1.7), (0.6, 1.4, 1.6), (0.58, 1.2, 1.5), (0.9, 1, 1))
    assert judge.stopped == "nDCG@10 did not rise by 0.001 in 3 evaluations"
    assert (judge.best_step, judge.best_ndcg) == (10, 0.6)
    assert len(judge.history) == 5


def test_gains_below_the_threshold_do_not_reset_the_patience_but_the_best_of_them_is_kept() -> None:
    judge = watch(Judge(SETTINGS), (0.5, 2, 2), (0.5003, 1.8, 1.9), (0.5006, 1.6, 1.8), (0.5009, 1.4, 1.7))
    assert judge.stopped
    assert judge.best_step == 30


def test_a_falling_loss_does_not_keep_a_training_alive_whose_ranking_stands() -> None:
    judge = watch(Judge(SETTINGS), (0.5, 3, 3), (0.5, 2.5, 2.6), (0.5, 2.0, 2.2), (0.5, 1.6, 1.9))
    assert judge.stopped.startswith("nDCG@10 did not rise")


def test_train_far_below_val_is_an_alarm_that_stops_when_the_ranking_does_not_rise() -> None:
    judge = watch(Judge(SETTINGS), (0.5, 2, 2), (0.6, 0.3, 1.5), (0.6, 0.2, 1.5), (0.6, 0.1, 1.5), (0.9, 0.1, 1.5))
    assert {alarm.signal for alarm in judge.alarms} == {"train far below val"}
    assert [alarm.action for alarm in judge.alarms] == [
        "went on: nDCG@10 still rises",
        "went on: one more evaluation without a gain stops",
        "stopped; the best step is restored",
    ]
    assert judge.stopped == "train far below val and nDCG@10 did not rise in 2 evaluations"


def test_a_val_loss_that_rises_twice_is_an_alarm() -> None:
    judge = watch(Judge(SETTINGS), (0.5, 2, 2), (0.6, 1.5, 1.0), (0.6, 1.4, 1.1), (0.6, 1.3, 1.2))
    assert [(alarm.signal, alarm.detail) for alarm in judge.alarms] == [("val loss rising", "1.000 -> 1.100 -> 1.200")]
    assert judge.stopped.startswith("val loss rising")


def test_a_plateau_of_the_train_loss_is_an_alarm() -> None:
    settings = replace(SETTINGS, patience=2)
    judge = watch(Judge(settings), (0.5, 2, 2), (0.6, 1.0, 1.0), (0.7, 0.999, 1.0), (0.71, 0.998, 1.0))
    assert [alarm.signal for alarm in judge.alarms] == ["plateau"]
    assert not judge.stopped


def test_alarms_may_only_warn() -> None:
    judge = watch(Judge(replace(SETTINGS, alarm_action="warn")), (0.5, 2, 2), (0.6, 0.3, 1.5), (0.6, 0.2, 1.4))
    assert not judge.stopped
    assert judge.alarms[-1].action == "warned only, as set"


def test_a_base_that_is_never_beaten_is_what_is_kept() -> None:
    judge = watch(Judge(SETTINGS), (0.5, 2, 2), (0.4, 1.9, 2.0), (0.3, 1.8, 2.0), (0.2, 1.7, 2.0))
    assert judge.best_step == 0


def test_a_fixed_budget_keeps_the_last_step_whatever_val_says() -> None:
    judge = watch(Judge(replace(SETTINGS, keep="last")), (0.5, 2, 2), (0.4, 1.9, 2.0), (0.3, 1.8, 2.0))
    assert (judge.best_step, judge.best_ndcg) == (20, 0.3)


def test_a_judge_written_and_read_decides_as_the_one_that_was_never_interrupted() -> None:
    rows = [(0.5, 2.0, 2.0), (0.6, 1.8, 1.8), (0.59, 1.6, 1.7), (0.6, 1.4, 1.6), (0.58, 1.2, 1.5)]
    whole = watch(Judge(SETTINGS), *rows)
    part = watch(Judge(SETTINGS), *rows[:3])
    again = watch(Judge.from_json(SETTINGS, json.loads(json.dumps(part.as_json()))), *rows[3:])
    assert again == whole


def test_a_checkpoint_cut_short_is_not_resumed_from(tmp_path: Path) -> None:
    for step, complete in ((10, True), (20, True), (30, False)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / BEST).touch()
        if complete:
            (folder / STATE).touch()
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-20"
    assert last_checkpoint(tmp_path / "checkpoint-10") is None
