"""The proof: named checks with their figures, and the gate that only a proof without a failed check opens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from triplette.errors import ProofFailed
from triplette.tables import write_text

PROOF = "proof.json"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, whether it held, what was found in one line, and the figures."""

    name: str
    passed: bool
    detail: str
    figures: Mapping[str, Any] = field(default_factory=dict)


FINER = {"e4_a8_f4_p4": "int8", "int8": "int8_weights", "int8_weights": "float32"}
# checks that a coarser number can fail; the others find a fault that no recipe mends
ROUNDED = {"kernels", "quantised", "ranking", "hybrid"}


@dataclass(frozen=True, slots=True)
class Proof:
    """All checks in the order in which they ran. ``overridden`` is true when a failed proof was let through on request."""

    checks: tuple[Check, ...]
    overridden: bool = False

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the checks that did not hold."""
        return tuple(check.name for check in self.checks if not check.passed)

    @property
    def passed(self) -> bool:
        """Whether every check held."""
        return not self.failed

    def check(self, name: str) -> Check:
        """The check of that name; KeyError when it did not run."""
        found = next((check for check in self.checks if check.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def require(self, *, where: str, recipe: str) -> None:
        """Raise ProofFailed with every failed check of a file of ``recipe``, unless all held."""
        if self.failed:
            lines = "\n  - ".join(f"{check.name}: {check.detail}" for check in self.checks if not check.passed)
            raise ProofFailed(
                f"the exported model is not equal to the PyTorch model; no bundle was written:\n  - {lines}",
                where=where,
                cure=f"{f'export with --recipe {finer}; ' if (finer := self.finer(recipe)) else ''}--unproven writes the bundle and stamps it",
            )

    def finer(self, recipe: str) -> str | None:
        """The next finer recipe, where nothing but what rounding bends failed: float activations after 8 bits, no rounding after these."""
        measured = all(check.figures for check in self.checks if not check.passed)  # without a held-out question nothing was
        return FINER.get(recipe) if self.failed and measured and set(self.failed) <= ROUNDED else None

    def save(self, path: Path) -> None:
        """Write the proof as JSON."""
        content = {
            "passed": self.passed,
            "overridden": self.overridden,
            "failed": self.failed,
            "checks": [asdict(c) for c in self.checks],
        }
        write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
