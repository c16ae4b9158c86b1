"""A BERT whose lower layers are run once and whose upper ones are trained and asked again and again: what makes many fits affordable on two cores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from triplette.arrays import Vectors
from triplette.settings.train import Preset
from triplette.train.averages import averaged
from triplette.train.mix import mixed
from triplette.train.models import load_base


class UpperLayers:
    """The base with its lower layers' states kept by text; only the upper ones are run again and trained."""

    def __init__(self, base: str, preset: Preset, cache: Path, trained: int) -> None:
        import torch

        self.loaded = load_base(base, preset)
        self.tokens, self.bert = self.loaded.model.tokenizer, self.loaded.model[0].auto_model.eval()
        layers = self.bert.encoder.layer
        self.lower, self.upper = layers[:-trained], layers[-trained:]
        for parameter in self.bert.parameters():
            parameter.requires_grad_(False)
        for parameter in self.upper.parameters():
            parameter.requires_grad_(True)
        self.cache = cache
        self.states: dict[str, Any] = torch.load(cache) if cache.exists() else {}

    def keep(self, texts: Sequence[str]) -> None:
        """Run the lower layers over the texts that are new."""
        import torch

        new = [text for text in dict.fromkeys(texts) if text not in self.states]
        if not new:
            return
        ids = [self.tokens(text, truncation=True, max_length=512)["input_ids"] for text in new]
        order = sorted(range(len(new)), key=lambda number: len(ids[number]))
        for start in range(0, len(new), 32):
            part = order[start : start + 32]
            width = max(len(ids[number]) for number in part)
            held = torch.full((len(part), width), self.tokens.pad_token_id)
            mask = torch.zeros(len(part), width)
            for line, number in enumerate(part):
                held[line, : len(ids[number])], mask[line, : len(ids[number])] = torch.tensor(ids[number]), 1
            with torch.no_grad():
                states = self._run(self.bert.embeddings(input_ids=held), mask, self.lower)
            for line, number in enumerate(part):
                self.states[new[number]] = states[line, : len(ids[number])].half().clone()
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        torch.save(self.states, self.cache)

    def vectors(self, texts: Sequence[str], most: int = 512) -> Any:
        """Vectors (n, d) of texts whose lower states are kept, cut to ``most`` tokens, with their gradient."""
        import torch

        held = [self.states[text][:most] for text in texts]
        width = max(len(state) for state in held)
        states, mask = torch.zeros(len(held), width, held[0].shape[1]), torch.zeros(len(held), width)
        for line, state in enumerate(held):
            states[line, : len(state)], mask[line, : len(state)] = state.float(), 1
        states = self._run(states, mask, self.upper)
        mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return torch.nn.functional.normalize(mean, dim=1)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors (n, d) without gradient."""
        import torch

        self.keep(texts)
        order = sorted(range(len(texts)), key=lambda number: len(self.states[texts[number]]))
        found = np.zeros((len(texts), self.bert.config.hidden_size), np.float32)
        for start in range(0, len(texts), 32):
            part = order[start : start + 32]
            with torch.no_grad():
                found[part] = self.vectors([texts[number] for number in part]).numpy()
        return found

    def save(self, place: Path) -> None:
        """Write the trained weights."""
        import torch

        place.parent.mkdir(parents=True, exist_ok=True)
        torch.save(self.upper.state_dict(), place)

    def mix(self, places: Sequence[Path], share: float) -> None:
        """Take the mean of trained weights, and ``share`` of the way to it from the weights that are there."""
        import torch

        states, start = [torch.load(place) for place in places], self.upper.state_dict()
        self.upper.load_state_dict(mixed(start, averaged(states), share))

    def _run(self, states: Any, mask: Any, layers: Any) -> Any:
        import torch

        added = ((1 - mask) * torch.finfo(torch.float32).min)[:, None, None, :].expand(-1, 1, states.shape[1], -1)
        for layer in layers:
            made = layer(states, attention_mask=added)
            states = made[0] if isinstance(made, tuple) else made
        return states
