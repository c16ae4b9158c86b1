"""How much of a fine-tune its evaluations may cost, and so how many there are and how many passages each ranks.

Costs are counted in tokens and not in seconds, so that one dataset draws the same passages on every machine and a killed fit goes on as it
began. A token costs its forward pass: one unit, and more in long texts, where attention adds L / (6 * width) (Kaplan et al. 2020, table 1).
A training step costs three forward passes of its texts, four where GradCache makes the forward pass twice; layers that are not trained cost
no backward pass, which is two forward passes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triplette.model_contract import tokenizer_file
from triplette.settings.train import Preset, TrainSettings
from triplette.train.data import TrainingTexts
from triplette.train.finetune import FineTune

SAMPLE = 400  # texts of a kind that are tokenised to know their mean length
ROUNDS_BESIDE = 1  # the base before the first step; the restored best step is compared on a few texts only
FEWEST = 3  # evaluations: fewer could not stop a fit
FORWARD, BACKWARD = 1, 2
WIDTH = 768  # where the base's files do not say how wide it is


@dataclass(frozen=True, slots=True)
class Evaluations:
    """What is measured while a fit runs: ``count`` times, ``questions`` over ``passages``; ``share`` of the fit's computing it takes.

    ``tokens`` are those of one evaluation, ``step_tokens`` those of one training step, each weighted by what it costs.
    """

    count: int
    questions: int
    passages: int
    share: float
    tokens: float
    step_tokens: float

    def told(self) -> str:
        """The plan in a line."""
        return (
            f"val is measured {self.count} times on the way: {self.questions} questions over {self.passages} passages, "
            f"about {self.share:.0%} of the computing"
        )


@dataclass(frozen=True, slots=True)
class Costs:
    """The mean cost of a text in a forward pass: a training text, a passage and a question at the length that use has."""

    trained: float
    passage: float
    question: float


def plan_evaluations(task: FineTune, texts: TrainingTexts, steps: int) -> Evaluations:
    """As many evaluations and passages as ``evaluation_share`` of the fit allows; first passages get fewer, then evaluations.

    Below ``least_passages`` and three evaluations nothing is saved any more: ``share`` then says what they take.
    """
    costs, dataset, settings, preset = mean_costs(task, texts), task.dataset, task.settings, task.preset
    step = passes(preset, _config(tokenizer_file(task.origin).parent)) * preset.batch * len(texts.columns) * costs.trained
    return divide(
        settings, step * steps, step, costs,
        corpus=len(dataset.corpus), questions=len(dataset.split("val")), probes=min(settings.probe_rows, len(dataset.split("train"))),
        evaluations=preset.evaluations,
    )  # fmt: skip


def passes(preset: Preset, config: Mapping[str, Any]) -> float:
    """What a training step costs, in forward passes of its texts; ``config`` is the base's, for the number of its layers."""
    forward = FORWARD + (1 if preset.mini_batch < preset.batch and preset.mini_batch else 0)
    total = int(config.get("num_hidden_layers") or 0)
    return forward + BACKWARD * (min(1.0, preset.layers / total) if preset.layers and total else 1.0)


def divide(
    settings: TrainSettings,
    training: float,
    step: float,
    costs: Costs,
    *,
    corpus: int,
    questions: int,
    probes: int,
    evaluations: int = 0,
) -> Evaluations:
    """The plan for a fit whose training costs ``training``, with ``corpus`` passages, ``questions`` of val and ``probes`` of train.

    ``evaluations`` is the preset's own number, 0 where it has none.
    """
    allowed = settings.evaluation_share / (1 - settings.evaluation_share) * training
    least, asked = min(corpus, settings.least_passages), min(questions, settings.val_questions)

    def affordable(count: int) -> int:
        return int((allowed / (count + ROUNDS_BESIDE) - (asked + probes) * costs.question) / costs.passage)

    count = evaluations or settings.evaluations
    while count > FEWEST and affordable(count) < least:
        count -= 1
    passages = affordable(count)
    passages = min(max(passages, least), corpus, settings.val_passages)
    asked = min(questions, settings.val_questions, max(settings.least_passages, passages) // 2)
    one = passages * costs.passage + (asked + probes) * costs.question
    spent = one * (count + ROUNDS_BESIDE)
    return Evaluations(count, asked, passages, spent / (spent + training), one, step)


def mean_costs(task: FineTune, texts: TrainingTexts) -> Costs:
    """What texts of each kind cost, over a sample drawn with the seed."""
    from tokenizers import Tokenizer

    path, dataset, contract = tokenizer_file(task.origin), task.dataset, task.contract
    tokenizer: Any = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    width, rng = _width(path.parent), random.Random(task.settings.seed)

    def mean(items: Sequence[str], limit: int) -> float:
        chosen = list(items) if len(items) <= SAMPLE else rng.sample(list(items), SAMPLE)
        lengths = [min(limit, len(encoding.ids)) for encoding in tokenizer.encode_batch(chosen)]
        return sum(text_cost(length, width) for length in lengths) / max(1, len(lengths))

    trained = [mean(column, min(task.preset.max_tokens, contract.max_tokens)) for column in texts.columns.values()]
    if texts.groups is not None:  # a step has `batch` passages, and as many questions more as a passage has on average
        trained[0] *= len(texts) / len(texts.groups.rows)
    return Costs(
        sum(trained) / len(trained),
        mean([contract.format_document(chunk.text, chunk.title) for chunk in dataset.corpus.values()], contract.max_tokens),
        mean([contract.format_query(row.question) for row in dataset.split("val")], contract.max_tokens),
    )


def text_cost(tokens: float, width: int) -> float:
    """A forward pass of one text, in tokens of a text so short that attention costs nothing."""
    return tokens * (1 + tokens / (6 * width))


def _width(folder: Path) -> int:
    return int(_config(folder).get("hidden_size") or WIDTH)


def _config(folder: Path) -> dict[str, Any]:
    """The text model's config.json, empty where there is none."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return dict(config.get("text_config") or config) if isinstance(config, dict) else {}
