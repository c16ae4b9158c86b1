"""A tiny EmbeddingGemma-like model over this repository's own corpus, and its export: what the tests of export share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from training_data import chunk, row, write_dataset

from triplette.contract import Fusion, PromptContract
from triplette.dataset import load_dataset
from triplette.export.convert.convert import load_encoder
from triplette.export.convert.stage import Staged, make_plan, stage
from triplette.export.proof.checks import Proof
from triplette.export.proof.parity import embed_corpus, prove
from triplette.export.proof.reference import Reference
from triplette.export.proof.sample import Sample, take_sample
from triplette.export.runtime import Embedder
from triplette.records import Chunk
from triplette.rundir import RunDir
from triplette.settings.export import ExportSettings
from triplette.train.tiny import TinyShape, build_tiny

CORPUS = Path(__file__).parents[1] / "fr_rules"
# blocks at full strength: a fault in attention must be able to show
SHAPE = TinyShape(
    hidden=96, heads=3, kv_heads=1, head_dim=32, feed_forward=160, layers=4, sliding_window=64, vocabulary=1200, max_tokens=512,
    block_gain=1.0, by_rarity=False,
)  # fmt: skip
# a random model's ranking may fall by chance on 30 questions; what the gate does then is tested in test_export_parts.py
SETTINGS = ExportSettings(recipe="int8", lengths=(64, 512), passages=60, questions=30, latency_threads=(), max_drop=0.1)


def paragraphs(limit: int = 120) -> list[Chunk]:
    """Paragraphs of the sample corpus with their headings as titles."""
    found = []
    for path in sorted(CORPUS.glob("*.md")):
        title = path.stem
        for number, block in enumerate(path.read_text(encoding="utf-8").split("\n\n")):
            if block.startswith("#"):
                title = block.lstrip("# ").split("\n")[0]
            elif len(block) > 120:
                found.append(chunk(block, title, path.name, number))
    return found[:: max(1, len(found) // limit)][:limit]


def write_run(root: Path, shape: TinyShape = SHAPE) -> RunDir:
    """A run with a random model and a dataset whose questions are beginnings of their answers: easy even for a random model."""
    run = RunDir(root)
    chunks = paragraphs()
    rows = [row("test", n, " ".join(c.text.split()[:9]), c, []) for n, c in enumerate(chunks[::3])]
    write_dataset(run, chunks, rows)
    contract = build_tiny(run.path("model/merged"), [f"{c.title}\n{c.text}" for c in chunks], shape=shape)
    run.path("model/merged/contract.json").unlink()
    randomise_heads(run.path("model/merged"))
    replace(contract, fusion=Fusion()).save(run.path("model/contract.json"))
    return run


def randomise_heads(model: Path) -> None:
    """Random dense heads: those of a new tiny model are an identity together, and leaving them out would not show."""
    import torch
    from safetensors.torch import load_file, save_file

    generator = torch.Generator().manual_seed(1)
    for name in ("2_Dense", "3_Dense"):
        path = model / name / "model.safetensors"
        shape = load_file(path)["linear.weight"].shape
        save_file({"linear.weight": torch.randn(shape, generator=generator) / shape[1] ** 0.5}, path)


@dataclass(frozen=True)
class Lab:
    """A run with what proving needs, so that many faults can be planted on one model."""

    run: RunDir
    contract: PromptContract
    sample: Sample
    reference: Reference

    @classmethod
    def of(cls, run: RunDir) -> Lab:
        """The lab of a run."""
        contract = PromptContract.load(run.path("model/contract.json"))
        sample = take_sample(load_dataset(run), questions=SETTINGS.questions, passages=SETTINGS.passages)
        return cls(run, contract, sample, Reference(run.path("model/merged")))

    def stage(self, folder: Path, settings: ExportSettings = SETTINGS, load: Callable[[Path], Any] = load_encoder) -> Staged:
        """Convert and quantise into ``folder``; ``load`` may give a faulty graph."""
        model = self.run.path("model/merged")
        plan = make_plan(model, self.contract, settings)
        return stage(model, self.contract, plan, folder, ["une ligne"], lambda _: None, load=load)

    def prove(self, staged: Staged, settings: ExportSettings = SETTINGS) -> Proof:
        """Run every check on a staged bundle, whatever was done to its files."""
        embedder = Embedder(staged.subject.folder)
        try:
            corpus = embed_corpus(embedder, ((c.text, c.title) for c in self.sample.chunks), lambda: None)
        except Exception:
            corpus = np.zeros((len(self.sample.chunks), embedder.dimension), np.float32)
        return prove(staged.subject, self.sample, corpus, settings, lambda _: None, reference=self.reference)
