"""Weights averaged over seeds: the mean is what is kept, and only where val does not prefer the first seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from training_data import rules_dataset, small_base

from triplette.errors import SettingError
from triplette.settings.train import Preset, TrainSettings
from triplette.train.averages import check_seeds, choose_average
from triplette.train.card import _besides
from triplette.train.fit import fit
from triplette.train.loop import FitResult


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_base(tmp_path_factory.mktemp("base"))


def recipe(base: Path, **changes: Any) -> Preset:
    plain = Preset(
        base=str(base), method="full", precision="fp32", matryoshka=False, batch=8, mini_batch=8, max_steps=4, learning_rate=4e-3
    )
    return replace(plain, **changes)


def test_seeds_are_averaged_weight_by_weight_and_val_says_which_is_kept(tmp_path: Path, base: Path) -> None:
    import torch
    from safetensors.torch import load_file

    states = {}
    for name, changes in (("first", {"seed": 0}), ("second", {"seed": 1})):
        run = rules_dataset(tmp_path / name, pieces=2)
        fit(run, TrainSettings(evaluations=1, keep="last", log_to=("none",), **changes), recipe(base), ungated=True, device="cpu")
        states[name] = load_file(run.path("model/adapter/weights.safetensors"))
    run = rules_dataset(tmp_path / "both", pieces=2)
    settings = TrainSettings(evaluations=1, keep="last", log_to=("none",))
    result = fit(run, settings, recipe(base, seeds=2), ungated=True, device="cpu")
    kept = load_file(run.path("model/adapter/weights.safetensors"))
    assert set(result.averages) == {"1", "2"}
    assert result.restored_ndcg == pytest.approx(max(result.averages.values()), abs=1e-5)
    assert result.averages[str(result.averaged)] == max(result.averages.values())
    assert any(not torch.equal(states["first"][name], states["second"][name]) for name in kept)
    for name, value in kept.items():
        mean = (states["first"][name] + states["second"][name]) / 2
        torch.testing.assert_close(value, mean if result.averaged == 2 else states["first"][name])
    entry = run.last("train.fit")
    assert entry is not None
    assert f"the mean over {result.averaged} of 2 seeds" in _besides(entry["settings"], entry["result"])


def test_an_average_that_val_does_not_prefer_is_not_kept_and_adapters_have_none() -> None:
    import torch

    model = torch.nn.Linear(1, 1, bias=False)
    reached = {1.0: 0.5, 2.0: 0.4}

    class Val:
        beat = seen = None

        def __call__(self, step: int) -> Any:
            return SimpleNamespace(ndcg=reached[float(model.weight.detach())])

    for alone, kept, left in ((0.45, 1, 1.0), (0.4, 2, 2.0), (0.3, 2, 2.0)):
        with torch.no_grad():
            model.weight.fill_(1.0)
        tuning: Any = FitResult("base", 1, 4, 4, 3, 0.1, alone, alone, "", (), (), 8, 20.0, 0, 0, False, 0, "cpu")
        base, val = cast("Any", SimpleNamespace(model=model)), cast("Any", Val())
        chosen = choose_average(base, tuning, [{"weight": torch.tensor([[3.0]])}], val)
        assert (chosen.averaged, float(model.weight.detach())) == (kept, left)
        assert chosen.averages == {"1": alone, "2": 0.4}
        assert chosen.restored_ndcg == max(alone, 0.4)
    with pytest.raises(SettingError, match="adapters"):
        check_seeds(Preset(seeds=2))
