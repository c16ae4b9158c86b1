"""Triplette: from documents to a proven embedding model.

The commands' functions are here under the commands' names (docs/python.md); ``import triplette`` itself imports nothing heavy.
"""

from typing import Any

__version__ = "0.1.0"
__all__ = (
    *("generate", "chunk", "write", "mine", "judge", "dedup", "build", "validate", "fit", "evaluate", "merge", "export_bundle"),
    *("triplets", "decisions", "open_bundle"),
)


def __getattr__(name: str) -> Any:
    """The function of a command, looked up when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'triplette' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("triplette.api"), name)  # by name: what the stages share does not import them


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
