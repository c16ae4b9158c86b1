"""The training stage end to end on a very small model: measured, merged, carded, stopped or let through to export."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_train_data import beir
from training_data import open_gate, rules_dataset

from triplette.contract import PromptContract
from triplette.dataset import HASHED_FILES, load_dataset
from triplette.errors import ContractMismatch, GateClosed, InputError, MissingStage, ProofFailed, SettingError
from triplette.rundir import RunDir
from triplette.settings.load import load_section
from triplette.settings.train import PRESETS, EvaluateSettings, Preset, TrainSettings, preset_of
from triplette.tables import read_table
from triplette.train.ask import RunReader
from triplette.train.data import questions_of
from triplette.train.evaluate import evaluate, production_view
from triplette.train.fit import ADAPTER, CONTRACT
from triplette.train.measure import IMPROVED
from triplette.train.merge import merge, prove_same
from triplette.train.run import require_improved, run_all
from triplette.train.tiny import TinyShape, build_tiny

# an adapter cannot move embeddings: here they start alike, and the blocks strong enough to be worth adapting
SHAPE = TinyShape(
    hidden=96, layers=2, heads=3, kv_heads=1, head_dim=32, feed_forward=96, vocabulary=600, block_gain=0.25, by_rarity=False
)
SETTINGS = TrainSettings(preset="tiny", evaluations=5, log_to=("none",))
MEASURE = EvaluateSettings(resamples=1000)


def small(base: Path, **changes: Any) -> Preset:
    values = {"base": str(base), "cloze": 0, "max_steps": 40, "batch": 16, "learning_rate": 4e-3, **changes}
    return preset_of(load_section(PRESETS["tiny"], "train.presets.tiny", None, **values))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    dataset = load_dataset(rules_dataset(folder / "run", pieces=4))
    build_tiny(folder / "model", [chunk.text for chunk in dataset.corpus.values()], shape=SHAPE)
    return folder / "model"


@pytest.fixture(scope="module")
def tuned(base: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A gated LoRA run with its dense layers trained: fit, evaluated, merged."""
    run = rules_dataset(tmp_path_factory.mktemp("tuned"), pieces=4)
    open_gate(run)
    preset = small(base, method="lora", dense="train", lora_targets=("all-linear",), lora_r=16, lora_alpha=32, learning_rate=1e-2)
    run_all(run, SETTINGS, preset, MEASURE)
    return run


@pytest.fixture
def copy(tuned: RunDir, tmp_path: Path) -> RunDir:
    shutil.copytree(tuned.root, tmp_path / "copy")
    return RunDir(tmp_path / "copy")


def test_the_run_leaves_one_ledger_line_a_step_and_a_verdict(tuned: RunDir) -> None:
    assert [entry["stage"] for entry in tuned.entries() if entry["stage"].startswith("train.")] == [
        "train.fit",
        "train.evaluate",
        "train.merge",
    ]
    content = json.loads(tuned.path("evaluation/result.json").read_text(encoding="utf-8"))
    assert content["verdict"]["word"] == IMPROVED
    assert content["verdict"]["metric"] == "nDCG@10"
    (test,) = content["sets"]
    views = {(value["system"], value["view"]) for value in test["values"]}
    assert views >= {("base", "96"), ("tuned", "16 int8"), ("BM25", ""), ("LSA", ""), ("BM25+LSA", ""), ("BM25+tuned", "")}
    assert {change["facet"] for change in test["changes"]} == {"", "kind", "document"}
    assert all(change["low"] <= change["delta"] <= change["high"] for change in test["changes"])


def test_the_evaluation_writes_a_page_three_pictures_and_a_row_a_question(tuned: RunDir) -> None:
    from triplette.tables import read_table

    plots = sorted(path.name for path in tuned.path("evaluation/plots").iterdir())
    assert plots == ["test-before-after.png", "test-dimensions.png", "test-ranks.png"]
    assert "Improved: nDCG@10" in tuned.path("evaluation/report.html").read_text(encoding="utf-8")
    assert read_table(tuned.path("evaluation/questions.parquet")).num_rows == len(load_dataset(tuned).split("test"))


def test_the_adapter_folder_is_small_and_peft_reads_it(tuned: RunDir) -> None:
    names = {path.name for path in tuned.path("model/adapter").iterdir()}
    assert names == {"adapter_config.json", "adapter_model.safetensors", "dense.safetensors", "fit.json"}


def test_the_merged_folder_loads_without_peft_and_answers_as_base_and_adapter_did(tuned: RunDir) -> None:
    program = (
        "import sys; sys.modules['peft'] = None\n"
        "from sentence_transformers import SentenceTransformer\n"
        f"model = SentenceTransformer({str(tuned.path('model/merged'))!r}, device='cpu')\n"
        "assert not any('lora' in name for name, _ in model.named_parameters())\n"
        "assert model.prompts['query'] == 'task: search result | query: ', model.prompts\n"
        "print(type(model[1]).__name__, model[1].pooling_mode, len(model))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "Pooling mean 5", done.stderr[-2000:]
    entry = tuned.last("train.merge")
    assert entry is not None
    assert entry["result"]["least_cosine"] >= 0.9999
    merged, original = tuned.path("model/merged"), json.loads((tuned.path("model/adapter") / "fit.json").read_text(encoding="utf-8"))
    for name in ("tokenizer.json", "tokenizer.model"):
        assert (merged / name).read_bytes() == (Path(original["origin"]) / name).read_bytes()


def test_the_shared_encoder_reads_the_merged_folder_under_its_contract(tuned: RunDir) -> None:
    from triplette.ranking.encoders import make_encoder

    encoder = make_encoder(str(tuned.path("model/merged")), [])
    assert encoder.contract == PromptContract.load(tuned.path("model/contract.json"))
    assert encoder.encode_queries(["Peut-on toucher ?"]).shape == (1, 96)


def test_a_run_answers_with_its_merged_model_and_its_base_as_evaluation_ranked_them(tuned: RunDir) -> None:
    reader, base = RunReader(tuned), RunReader(tuned, tuned=False)
    test = questions_of(load_dataset(tuned), "test")
    rows = [row for row in read_table(tuned.path("evaluation/questions.parquet")).to_pylist() if row["set"] == "test"]
    for one, row, answers in list(zip(test.texts, rows, test.relevant, strict=True))[:12]:
        for asked, column in ((reader, "rank_after"), (base, "rank_before")):
            found = asked.find(one)
            first = min(found.rank_of(asked.ids[place]) for place in answers)
            assert row[column] in (first, 0 if first > 100 else first)
            best = found.best(3)
            assert [passage.rank for passage in best] == [1, 2, 3]
            assert found.rank_of(best[1].chunk_id) == 2
    assert (
        "a question is answered by one of them, not by both" in train("ask", "Qui ?", "--run", str(tuned.root), "--bundle", "x").stderr
    )


def test_the_model_card_says_data_gate_settings_evaluation_limits_and_licence(tuned: RunDir) -> None:
    card = tuned.path("model/merged/README.md").read_text(encoding="utf-8")
    assert load_dataset(tuned).hash in card
    assert "10 of 10 required rows were reviewed" in card
    assert "**improved: nDCG@10" in card
    assert "| test | Recall@5 |" in card
    assert "LoRA r=16 alpha=32" in card
    for section in ("Intended use", "Limits", "Merge", "Licence", "Training"):
        assert f"\n## {section}\n" in card
    assert "UNGATED" not in card


def test_nothing_is_done_twice(tuned: RunDir, base: Path) -> None:
    before = len(tuned.entries())
    preset = small(base, method="lora", dense="train", lora_targets=("all-linear",), lora_r=16, lora_alpha=32, learning_rate=1e-2)
    result = run_all(tuned, SETTINGS, preset, MEASURE)
    assert result.fit.unchanged
    assert result.evaluation.unchanged
    assert result.merged.unchanged
    assert result.evaluation.verdict.word == IMPROVED
    assert len(tuned.entries()) == before


def test_an_improved_model_goes_on_to_export_without_an_override(copy: RunDir, base: Path) -> None:
    exported: list[bool] = []
    preset = small(base, method="lora", dense="train", lora_targets=("all-linear",), lora_r=16, lora_alpha=32, learning_rate=1e-2)
    run_all(copy, SETTINGS, preset, MEASURE, export=lambda _, overridden: exported.append(overridden))
    assert exported == [False]
    require_improved(copy)


def test_training_on_shuffled_pairs_is_never_called_improved_and_stops_before_export(tuned: RunDir, tmp_path: Path) -> None:
    run, exported = rules_dataset(tmp_path / "shuffled", pieces=4, shuffled=True), []
    start = tuned.path("model/merged")  # a model that knows something, so that there is something to lose
    preset = small(start, max_steps=20, learning_rate=2e-3)
    with pytest.raises(ProofFailed, match=r"no export: (worse|not shown)") as caught:
        run_all(run, SETTINGS, preset, MEASURE, ungated=True, export=lambda _, overridden: exported.append(overridden))
    assert "--export-anyway" in caught.value.cure
    assert not exported
    history = run.last("train.fit")["result"]["history"]  # type: ignore[index]
    assert history[-1]["ndcg"] < history[0]["ndcg"] - 0.05  # the training did harm, and the step before it was put back
    assert run.has("model/merged/README.md")
    with pytest.raises(ProofFailed, match="no export"):
        require_improved(run)
    run_all(run, SETTINGS, preset, MEASURE, ungated=True, export=lambda _, overridden: exported.append(overridden), export_anyway=True)
    assert exported == [True]
    card = run.path("model/merged/README.md").read_text(encoding="utf-8")
    assert "EXPORTED ANYWAY" in card
    assert "UNGATED: trained on data that was not validated" in card
    require_improved(run)


def test_a_damaged_adapter_is_called_worse_though_val_once_liked_it(copy: RunDir) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    path = copy.path("model/adapter/adapter_model.safetensors")
    noise = np.random.default_rng(0)
    torn = {name: tensor + torch.from_numpy(noise.normal(size=tensor.shape)).float() for name, tensor in load_file(path).items()}
    save_file({name: tensor.float() for name, tensor in torn.items()}, str(path))
    start = json.loads((copy.path("model/adapter") / "fit.json").read_text(encoding="utf-8"))
    # the base of this comparison is the good model, as it is when a tuned model is tuned again
    start["origin"] = str(copy.path("model/merged"))
    (copy.path("model/adapter") / "fit.json").write_text(json.dumps(start), encoding="utf-8")
    verdict = evaluate(copy, MEASURE).verdict
    assert verdict.word == "worse"
    assert verdict.difference.high < 0


def test_the_gate_is_asked_first(tmp_path: Path, base: Path) -> None:
    run = rules_dataset(tmp_path / "closed", pieces=4)
    with pytest.raises(GateClosed):
        run_all(run, SETTINGS, small(base), MEASURE)
    assert not run.has("ledger.jsonl")


def test_evaluating_before_fitting_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(MissingStage, match="train fit"):
        evaluate(rules_dataset(tmp_path / "new", pieces=4), MEASURE)


def test_an_adapter_is_not_measured_on_a_dataset_built_since_it_was_trained(tmp_path: Path) -> None:
    run, other = rules_dataset(tmp_path / "run", pieces=2), rules_dataset(tmp_path / "other", pieces=3)
    for name in (ADAPTER, CONTRACT):
        run.path(name).parent.mkdir(parents=True, exist_ok=True)
        run.path(name).write_text("{}")
    learnt = run.fingerprints(HASHED_FILES)
    run.record("train.fit", inputs=learnt, outputs=[ADAPTER, CONTRACT], settings={}, counts={}, seconds=0)
    shutil.copytree(other.path("dataset"), run.path("dataset"), dirs_exist_ok=True)
    with pytest.raises(InputError, match="built again since this adapter was trained") as caught:
        evaluate(run, MEASURE)
    assert "train fit" in caught.value.cure


def test_an_adapter_that_was_never_measured_is_not_exported(copy: RunDir) -> None:
    (copy.path("model/adapter") / "fit.json").write_text("{}", encoding="utf-8")
    with pytest.raises(MissingStage, match="of another adapter"):
        require_improved(copy)


def test_a_contract_that_is_not_the_adapters_is_refused(copy: RunDir) -> None:
    contract = PromptContract.load(copy.path("model/contract.json"))
    replace(contract, query_prefix="query: ").save(copy.path("model/contract.json"))
    with pytest.raises(ContractMismatch, match="do not belong together"):
        merge(copy)


def test_a_beir_folder_is_measured_beside_the_splits_and_leaves_the_verdict_alone(copy: RunDir, tmp_path: Path) -> None:
    result = evaluate(copy, MEASURE, beir=[beir(tmp_path / "fiqa")])
    assert result.verdict.on == "test"
    assert [title.split(":")[0] for title, _ in result.tables] == ["test", "fiqa"]


def test_the_verdict_is_taken_at_the_dimension_that_production_uses(copy: RunDir) -> None:
    result = evaluate(copy, replace(MEASURE, dimension=16, int8=True))
    assert result.verdict.view == "16 int8"
    with pytest.raises(SettingError, match="no dimension 100"):
        production_view(PromptContract.load(copy.path("model/contract.json")), replace(MEASURE, dimension=100))


def test_a_merge_that_changes_a_vector_fails() -> None:
    vectors = np.eye(3, dtype=np.float32)
    assert prove_same(vectors, vectors, "x").tolist() == [1, 1, 1]
    turned = vectors.copy()
    turned[1] = [0.02, 0.9998, 0]
    with pytest.raises(ProofFailed, match="on val text 1"):
        prove_same(vectors, turned, "x")
    turned[1] = np.nan
    with pytest.raises(ProofFailed):
        prove_same(vectors, turned, "x")


def train(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "triplette.train.cli", *arguments], capture_output=True, text=True, check=False)


def test_help_is_fast_and_loads_no_heavy_library() -> None:
    program = (
        "import sys, train.cli\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'peft', 'datasets', 'matplotlib', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    started = time.process_time()
    assert "evaluate" in train("--help").stdout
    assert time.process_time() - started < 0.5


def test_the_command_ends_with_the_gates_message_and_exit_code(tmp_path: Path) -> None:
    rules_dataset(tmp_path / "run", pieces=4)
    done = train("run", "--preset", "tiny", "--run", str(tmp_path / "run"))
    assert done.returncode == 3
    assert "the dataset was never validated" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_ends_with_its_name_and_cure(tmp_path: Path) -> None:
    done = train("fit", "--preset", "huge", "--run", str(tmp_path / "run"))
    assert done.returncode == 2
    assert "'huge' is not one of embeddinggemma, embeddinggemma2, full, cpu, e5, demo, tiny" in " ".join(done.stderr.split())
