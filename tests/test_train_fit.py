"""Fine-tuning a very small model for real: the gate, what is trained, the best step kept, resuming, and clear refusals."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_data import open_gate, rules_dataset

from triplette.dataset import load_dataset
from triplette.errors import GateClosed, InputError, ProofFailed, ServiceError, SettingError
from triplette.model_contract import contract_of
from triplette.model_folder import explain_load_failure
from triplette.rundir import RunDir
from triplette.settings.load import load_section
from triplette.settings.train import PRESETS, Preset, TrainSettings, preset_of
from triplette.train.data import TrainingTexts, questions_of, training_texts
from triplette.train.finetune import FineTune
from triplette.train.fit import fit
from triplette.train.kept import FILE as KEPT
from triplette.train.kept import kept_passages
from triplette.train.loop import fillable_batch, planned_steps, prove_restored, tune
from triplette.train.loss import make_loss
from triplette.train.models import load_base, make_trainable, restore_state, trained_state
from triplette.train.ranking import embed
from triplette.train.score import Scorer
from triplette.train.tell import trackers
from triplette.train.tiny import TinyShape, build_tiny
from triplette.train.watch import Judge, Measured

SHAPE = TinyShape(hidden=96, layers=2, heads=3, kv_heads=1, head_dim=32, feed_forward=96, vocabulary=600)
SETTINGS = TrainSettings(preset="tiny", evaluations=5, log_to=("none",))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    dataset = load_dataset(rules_dataset(folder / "run", pieces=4))
    build_tiny(folder / "model", [chunk.text for chunk in dataset.corpus.values()], shape=SHAPE)
    return folder / "model"


@pytest.fixture
def rules(tmp_path: Path) -> RunDir:
    return rules_dataset(tmp_path / "rules", pieces=4)


def small(base: Path, **changes: Any) -> Preset:
    values = {"base": str(base), "cloze": 0, "max_steps": 30, "batch": 16, "learning_rate": 4e-3, **changes}
    return preset_of(load_section(PRESETS["tiny"], "train.presets.tiny", None, **values))


def task_of(run: RunDir, preset: Preset) -> FineTune:
    return FineTune(load_dataset(run), SETTINGS, preset, preset.base, contract_of(preset.base).contract, device="cpu")


def test_a_closed_gate_refuses_and_names_the_command(rules: RunDir, base: Path) -> None:
    with pytest.raises(GateClosed, match="never validated") as caught:
        fit(rules, SETTINGS, small(base))
    assert "curate validate" in caught.value.cure
    assert "--ungated" in caught.value.cure
    assert not rules.has("model")


def test_an_open_gate_lets_the_fit_learn_keep_its_best_step_and_stand_in_the_ledger(rules: RunDir, base: Path) -> None:
    open_gate(rules)
    result = fit(rules, SETTINGS, small(base))
    assert result.best_ndcg > result.base_ndcg + 0.3
    assert result.restored_ndcg == pytest.approx(result.best_ndcg, abs=1e-6)
    assert result.best_ndcg == max(row["ndcg"] for row in result.history)
    assert not result.ungated
    entry = rules.last("train.fit")
    assert entry is not None
    assert set(entry["outputs"]) == {"model/adapter", "model/contract.json"}
    assert not rules.has("model/checkpoints")
    again = fit(rules, SETTINGS, small(base))
    assert again.unchanged
    assert [entry["stage"] for entry in rules.entries()].count("train.fit") == 1
    open_gate(rules)
    (rules.path("validation/result.json")).unlink()
    with pytest.raises(GateClosed):
        fit(rules, SETTINGS, small(base))


def test_an_ungated_fit_is_not_taken_for_a_gated_one_later(rules: RunDir, base: Path) -> None:
    preset = small(base, max_steps=2)
    assert fit(rules, SETTINGS, preset, ungated=True).ungated
    open_gate(rules)
    result = fit(rules, SETTINGS, preset)
    assert not result.unchanged
    assert not result.ungated
    assert fit(rules, SETTINGS, preset).unchanged
    assert not fit(rules, replace(SETTINGS, evaluations=1), preset).unchanged, "the preset's number of evaluations hid the stage's"


def test_a_fit_goes_on_from_its_checkpoint_to_the_same_end(rules: RunDir, base: Path, tmp_path: Path) -> None:
    task = task_of(rules, small(base, method="lora", lora_dropout=0.1, learning_rate=1e-2))
    val = questions_of(task.dataset, "val")

    def run() -> Any:
        loaded = task.load()
        texts = training_texts(task.dataset, task.contract, negatives=1)
        result = tune(loaded, task, texts, val, tmp_path / "place", quiet=True)
        return result, trained_state(loaded.model)

    whole, weights = run()
    assert whole.resumed_from == 0
    shutil.rmtree(tmp_path / "place" / "checkpoint-30")
    again, same = run()
    assert again.resumed_from == 24
    assert again.history == whole.history
    assert all(np.array_equal(weights[name].numpy(), same[name].numpy()) for name in weights)


@pytest.mark.slow
def test_two_processes_train_one_model_and_write_once(tmp_path: Path, base: Path) -> None:
    run, config = rules_dataset(tmp_path / "pair", pieces=4), tmp_path / "triplette.toml"
    config.write_text("[train]\nevaluations = 3\n", encoding="utf-8")  # the first steps cost a little before they pay
    command = [
        *(sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--num_machines", "1"),
        *(
            "--mixed_precision",
            "no",
            "--dynamo_backend",
            "no",
            "--module",
            "triplette.train.cli",
            "fit",
            "--preset",
            "tiny",
            "--model",
            str(base),
        ),
        *("--ungated", "--max-steps", "30", "--batch", "16", "--learning-rate", "0.004", "--run", str(run.root), "--device", "cpu"),
        *("--config", str(config)),
    ]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    entries = run.entries()
    assert [entry["stage"] for entry in entries] == ["train.fit"]
    assert entries[0]["result"]["best_ndcg"] > entries[0]["result"]["base_ndcg"] + 0.3


def test_lora_trains_the_adapter_only_and_leaves_every_base_weight_as_it_was(base: Path) -> None:
    preset = small(base, method="lora", dense="freeze")
    loaded = load_base(str(base), preset, device="cpu")
    before = {name: p.detach().clone() for name, p in loaded.model.named_parameters()}
    count = make_trainable(loaded.model, preset)
    state = trained_state(loaded.model)
    assert state
    assert all("lora_" in name for name in state)
    assert count == sum(tensor.numel() for tensor in state.values())
    assert {".".join(name.split(".")[-5:-3]) for name in state} == {f"self_attn.{x}_proj" for x in "qkvo"}
    after = {name.replace("base_layer.", ""): p for name, p in loaded.model.named_parameters()}
    assert all(np.array_equal(before[name].numpy(), after[name].detach().numpy()) for name in before)


def test_the_dense_layers_train_only_when_asked(base: Path) -> None:
    for dense, expected in (("freeze", 0), ("train", 2)):
        loaded = load_base(str(base), small(base), device="cpu")
        make_trainable(loaded.model, small(base, method="lora", dense=dense))
        assert sum(not name.startswith("0.") for name in trained_state(loaded.model)) == expected


def test_restoring_refuses_other_names_and_shapes_instead_of_skipping_them(base: Path) -> None:
    loaded = load_base(str(base), small(base), device="cpu")
    make_trainable(loaded.model, small(base, method="lora", dense="freeze"))
    state = trained_state(loaded.model)
    name = next(iter(state))
    with pytest.raises(ValueError, match="parameters differ"):
        restore_state(loaded.model, {key: value for key, value in state.items() if key != name})
    with pytest.raises(ValueError, match=r"for \("):
        restore_state(loaded.model, {**state, name: state[name][:1]})


def test_a_restored_model_that_scores_otherwise_than_its_best_step_is_refused() -> None:
    judge = Judge(SETTINGS)
    judge.see(Measured(10, 0.5, 1.0, 1.0))
    prove_restored(0.5, 1.0, judge, "fp32")
    prove_restored(0.501, 0.999, judge, "bf16")
    for again, least in ((0.501, 1.0), (float("nan"), 1.0), (0.5, 0.9999), (0.5, float("nan"))):
        with pytest.raises(ProofFailed, match=r"its best step \(10\) scored 0\.500000"):
            prove_restored(again, least, judge, "fp32")


def test_a_state_that_was_not_put_back_moves_the_vectors_of_its_step(base: Path, rules: RunDir) -> None:
    task = task_of(rules, small(base))
    loaded = task.load()
    make_trainable(loaded.model, task.preset)
    scorer = Scorer(loaded, task, questions_of(task.dataset, "val"))
    measured = scorer(3).ndcg
    assert scorer.restored(3) == (pytest.approx(measured), pytest.approx(1.0, abs=1e-6))
    with torch.no_grad():
        next(p for p in loaded.model.parameters() if p.requires_grad and p.dim() > 1).mul_(1.01)
    assert scorer.restored(3)[1] < 1 - 1e-5
    assert scorer.restored(2)[1] == 1.0  # nothing of that step is kept: measured whole


def test_questions_over_more_passages_than_val_s_are_embedded_once_each(
    base: Path, rules: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(rules, small(base))
    scorer = Scorer(task.load(), task, questions_of(task.dataset, "val", limit=10, passages=40))
    asked, embedded = questions_of(task.dataset, "val"), []

    def counted(model: Any, texts: Any, **others: Any) -> Any:
        embedded.extend(texts)
        return embed(model, texts, **others)

    monkeypatch.setattr("triplette.train.score.embed", counted)
    queries, passages = scorer.over(asked, 0)
    assert sorted(embedded) == sorted([*asked.formatted(task.contract), *asked.passages.formatted(task.contract)])
    expected = Scorer(task.load(), task, asked).vectors(0)
    assert np.abs(queries - expected[0]).max() < 1e-5
    assert np.abs(passages - expected[1]).max() < 1e-5


def test_production_s_weight_is_chosen_over_the_whole_corpus_and_the_passages_are_kept_for_evaluation(
    rules: RunDir, base: Path
) -> None:
    fit(rules, replace(SETTINGS, evaluations=1, least_passages=40, val_passages=40), small(base, max_steps=2), ungated=True)
    for system in ("base", "tuned"):
        assert set(kept_passages(rules.path(KEPT), system)) == set(load_dataset(rules).corpus)


@pytest.mark.parametrize(("dropout", "repeats"), [(True, False), (False, True)])
@pytest.mark.parametrize("family", ["bert", "modernbert"])
def test_the_base_s_dropout_acts_only_where_the_recipe_lets_it(base: Path, family: str, dropout: bool, repeats: bool) -> None:
    """BERT's attention has a layer for it, ModernBERT's a number."""
    import torch
    from transformers import BertConfig, BertModel, ModernBertConfig, ModernBertModel

    shape: Any = {
        "vocab_size": 50,
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "pad_token_id": 0,
    }
    if family == "bert":
        core: Any = BertModel(BertConfig(**shape, hidden_dropout_prob=0.3, attention_probs_dropout_prob=0.3))
    else:
        core = ModernBertModel(ModernBertConfig(**shape, attention_dropout=0.3, embedding_dropout=0.3, mlp_dropout=0.3))
    preset = small(base, dropout=dropout)
    loaded = load_base(str(base), preset, device="cpu")
    loaded.model.add_module("another", core)
    make_trainable(loaded.model, preset)
    core.train()
    ids = torch.arange(1, 21)[None]
    first, second = (core(input_ids=ids).last_hidden_state for _ in range(2))
    assert torch.equal(first, second) == repeats


@pytest.mark.parametrize("method", ["full", "lora"])
def test_only_the_last_layers_change_where_layers_says_so(base: Path, method: str) -> None:
    preset = small(base, method=method, layers=1, lora_targets=("all-linear",), dense="freeze")
    loaded = load_base(str(base), preset, device="cpu")
    assert make_trainable(loaded.model, preset) > 0
    trained = [name for name, parameter in loaded.model.named_parameters() if parameter.requires_grad]
    assert trained
    assert all(".layers.1." in name for name in trained)
    with pytest.raises(SettingError, match="the base has 2 layers, not 3"):
        make_trainable(load_base(str(base), preset, device="cpu").model, replace(preset, layers=3))


@pytest.mark.parametrize("matryoshka", [True, False])
def test_the_cached_loss_has_the_gradients_of_the_plain_one(base: Path, matryoshka: bool) -> None:
    gradients = []
    for mini in (8, 3):
        preset = small(base, batch=8, matryoshka=matryoshka)
        loaded = load_base(str(base), preset, device="cpu")
        make_trainable(loaded.model, preset)
        loss = make_loss(loaded.model, preset, loaded.contract.dimensions, mini)
        inner = loss.loss if matryoshka else loss
        assert type(inner).__name__.startswith("Cached") == (mini < 8)
        columns = [[f"{kind} numéro {i} du tapis" for i in range(8)] for kind in ("question", "passage", "autre")]
        features = [loaded.model.preprocess(texts) for texts in columns]
        loss(features, None).backward()
        gradients.append({name: p.grad.clone() for name, p in loaded.model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        assert np.abs(gradient.numpy() - gradients[1][name].numpy()).max() < 1e-4 * max(1.0, float(gradient.abs().max()))


@pytest.mark.gpu
def test_qlora_gradients_match_a_dequantised_reference(base: Path) -> None:
    torch = pytest.importorskip("torch")
    bitsandbytes = pytest.importorskip("bitsandbytes")
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    preset = small(base, method="qlora", dense="freeze", lora_dropout=0.0)
    quantised = load_base(str(base), preset, device="cuda", quantised=True)
    make_trainable(quantised.model, preset)
    reference = load_base(str(base), preset, device="cuda")
    weights = dict(reference.model.named_parameters())
    with torch.no_grad():
        for name, module in quantised.model.named_modules():
            if isinstance(module, bitsandbytes.nn.Linear4bit):
                plain = bitsandbytes.functional.dequantize_4bit(module.weight.data, module.weight.quant_state)
                weights[f"{name.replace('.base_layer', '')}.weight"].copy_(plain.float())
    make_trainable(reference.model, replace(preset, method="lora"))
    restore_state(reference.model, trained_state(quantised.model))
    gradients = []
    for model in (quantised.model, reference.model):
        loss = make_loss(model, preset, quantised.contract.dimensions, preset.batch)
        texts = [[f"{kind} numéro {i} du tapis" for i in range(8)] for kind in ("question", "passage")]
        features = [
            {key: value.to("cuda") if hasattr(value, "to") else value for key, value in model.preprocess(t).items()} for t in texts
        ]
        loss(features, None).backward()
        gradients.append({name: p.grad.float() for name, p in model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        other = gradients[1][name]
        cosine = torch.nn.functional.cosine_similarity(gradient.flatten(), other.flatten(), dim=0)
        assert float(gradient.norm()) < 1e-8 or float(cosine) > 0.99, name


def test_qlora_on_a_cpu_is_refused_with_the_presets_that_work(rules: RunDir, base: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(SettingError, match="QLoRA needs a CUDA device") as caught:
        fit(rules, SETTINGS, small(base, method="qlora"), ungated=True)
    assert "--preset cpu" in caught.value.cure


def test_fp16_cannot_be_asked_for() -> None:
    with pytest.raises(SettingError, match="'fp16' is not one of auto, fp32, bf16"):
        small(Path("x"), precision="fp16")


def test_a_batch_larger_than_train_is_refused_with_one_that_fits(base: Path) -> None:
    ten = TrainingTexts({"anchor": [f"q{n}" for n in range(10)], "positive": [f"p{n}" for n in range(10)]}, 0)
    with pytest.raises(SettingError, match="with 10 training rows a batch of 16 cannot be filled") as caught:
        planned_steps(ten, small(base))
    assert caught.value.cure == "--batch 10"
    assert planned_steps(ten, small(base, batch=10, epochs=3.0)) == 3


def test_rows_that_share_texts_are_refused_with_the_batch_that_can_be_filled(base: Path) -> None:
    """56 questions over 14 passages: no two rows of one passage stand in one batch, so 14 is the most there is."""
    texts = TrainingTexts({"anchor": [f"q{n}" for n in range(56)], "positive": [f"p{n % 14}" for n in range(56)]}, 0)
    assert fillable_batch(texts, 32) == 14
    with pytest.raises(SettingError, match="of 56 training rows only 14 have no text in common") as caught:
        planned_steps(texts, small(base))
    assert caught.value.cure == "--batch 14"
    one = TrainingTexts({"anchor": ["q1", "q2"], "positive": ["p", "p"]}, 0)
    with pytest.raises(SettingError) as caught:
        planned_steps(one, small(base, batch=2))
    assert "more passages" in caught.value.cure


def test_an_adapter_target_that_the_model_lacks_is_refused(base: Path) -> None:
    loaded = load_base(str(base), small(base), device="cpu")
    with pytest.raises(SettingError, match="no adapter fits"):
        make_trainable(loaded.model, small(base, method="lora", lora_targets=("no_such_layer",)))


def test_prompts_are_read_off_the_base_and_an_override_says_so(base: Path, tmp_path: Path) -> None:
    shutil.copytree(base, tmp_path / "other")
    (tmp_path / "other" / "contract.json").unlink()
    read = load_base(str(tmp_path / "other"), small(base), device="cpu")
    assert read.contract.dimensions == (96, 64, 32, 16)
    assert read.contract.query_prefix == "task: search result | query: "
    for folder in (base, tmp_path / "other"):
        other = load_base(str(folder), small(base, contract="e5"), device="cpu")
        assert other.contract.query_prefix == "query: "
        assert other.source.startswith("OVERRIDDEN by contract = 'e5': the model's own are 'task: search result | query: '")


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path, base: Path) -> None:
    with pytest.raises(InputError, match="no such model folder"):
        load_base(str(tmp_path / "nowhere"), small(base))


def test_failures_to_load_name_the_page_to_accept_or_the_way_without() -> None:
    gated = explain_load_failure("google/embeddinggemma-300m", OSError("You are trying to access a gated repo. 401 Client Error"))
    assert isinstance(gated, ServiceError)
    assert "https://huggingface.co/google/embeddinggemma-300m" in gated.cure
    assert "--preset demo" in gated.cure
    away = explain_load_failure("a/b", OSError("We couldn't connect to 'https://huggingface.co' to load the files"))
    assert "cannot be reached" in away.message
    assert isinstance(explain_load_failure("a/b", ValueError("Unrecognized model")), InputError)


def test_trackers_that_are_missing_or_unknown_are_refused_and_auto_takes_what_there_is() -> None:
    assert trackers(("none",)) == []
    assert set(trackers(("auto",))) <= {"tensorboard", "wandb", "trackio"}
    with pytest.raises(SettingError, match="unknown tracker 'mlflow'"):
        trackers(("mlflow",))


def test_a_sweep_tries_rates_and_scales_together_from_the_same_start_and_trains_with_the_best(rules: RunDir, base: Path) -> None:
    import json

    settings = replace(SETTINGS, sweep_scales=(1.0, 30.0), sweep_rates=(0.5,), sweep_steps=8)
    preset = small(base, max_steps=4)
    result = fit(rules, settings, preset, ungated=True, sweep=True)
    swept = json.loads(rules.path("model/sweep.json").read_text(encoding="utf-8"))
    rate = preset.learning_rate
    pairs = [(one["rate"], one["scale"]) for one in swept["first"]]
    assert pairs == [(rate * factor, scale) for scale in (20.0, 1.0, 30.0) for factor in (1.0, 0.5)]
    assert {one["steps"] for one in swept["first"]} == {2}
    assert {one["steps"] for one in swept["trials"]} == {8}
    assert len(swept["trials"]) == 2  # a quarter of six
    assert {
        one["ndcg"] for one in swept["first"] if (one["rate"], one["scale"]) in [(t["rate"], t["scale"]) for t in swept["trials"]]
    } == set(sorted((one["ndcg"] for one in swept["first"]), reverse=True)[:2])
    assert len({one["base_ndcg"] for one in (*swept["first"], *swept["trials"])}) == 1
    best = max(swept["trials"], key=lambda trial: trial["ndcg"])
    assert (result.scale, result.rate) == (swept["chosen"], swept["chosen_rate"]) == (best["scale"], best["rate"])


def test_embedding_leaves_the_mode_as_it_was_and_adds_no_prompt(base: Path) -> None:
    model = load_base(str(base), small(base), device="cpu").model
    model.default_prompt_name = "query"
    model.train()
    first = embed(model, ["le roi"])
    assert model.training
    model.default_prompt_name = None
    assert embed(model, ["le roi"]) == pytest.approx(first, abs=1e-6)
