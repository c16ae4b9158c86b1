"""The families that can be exported. A family is a folder here: ``architecture`` reads and asserts, ``graph`` computes.

``config.json`` chooses: its ``model_type`` names the family or the model is refused with the list of those that there are. Reading
needs no torch, so that a model can be refused before anything is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from triplette.errors import InputError
from triplette.export.families.architecture import CURE, Architecture, read_json


@dataclass(frozen=True, slots=True)
class Family:
    """A family: its name, the ``model_type`` values that are its own, its folder here, and models that people know."""

    name: str
    model_types: tuple[str, ...]
    examples: str

    def read(self, folder: Path) -> Architecture:
        """The architecture of a sentence-transformers folder. Raises InputError naming what is unsupported or missing."""
        found: Architecture = self._module("architecture").read(folder)
        return found

    def encoder(self, architecture: Architecture) -> Any:
        """The graph of an architecture, not yet loaded."""
        return self._module("graph").Encoder(architecture)

    def tensors(self, stored: Mapping[str, Any], architecture: Architecture) -> dict[str, Any]:
        """The transformer's stored tensors under the graph's names; a name that the graph does not know is kept as it is."""
        renamed: dict[str, Any] = self._module("graph").rename(stored, architecture)
        return renamed

    def _module(self, name: str) -> Any:
        return import_module(f"triplette.export.families.{self.name}.{name}")


FAMILIES = (
    Family("embeddinggemma", ("gemma3_text",), "EmbeddingGemma"),
    Family("embeddinggemma2", ("embedding_gemma2_text",), "EmbeddingGemma 2"),
    Family("bert", ("bert", "xlm-roberta", "roberta", "camembert"), "multilingual-e5, bge-m3 (dense), MiniLM, Solon"),
    Family("modernbert", ("modernbert",), "granite-embedding r2, gte-modernbert, mDenseOn, mmBERT"),
    Family("qwen3", ("qwen3",), "Qwen3-Embedding"),
)


def family_of(folder: Path) -> Family:
    """The family of a model folder. Raises InputError with the families that there are."""
    config = read_json(folder / "config.json")
    config = config.get("text_config", config)
    kind = config.get("model_type")
    found = next((family for family in FAMILIES if kind in family.model_types), None)
    if found is None:
        known = "; ".join(f"{', '.join(family.model_types)} ({family.examples})" for family in FAMILIES)
        raise InputError(
            f"unsupported architecture: model_type is {kind!r}; supported are {known}", where=str(folder / "config.json"), cure=CURE
        )
    return found


def read_architecture(folder: Path) -> Architecture:
    """The architecture of a sentence-transformers folder. Raises InputError naming what is unsupported or missing."""
    return family_of(folder).read(folder)
