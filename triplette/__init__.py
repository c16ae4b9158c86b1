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
    from triplette import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
