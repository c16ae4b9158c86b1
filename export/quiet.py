"""Keeping the converter's libraries from talking about each other: deprecations between them, kernels for other hardware.

Nothing that a user can act on is hidden: their errors are raised, and what they would warn about is checked by the proof.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

NOISY = ("torch", "torch.utils._pytree", "torchao", "jax", "absl", "bitsandbytes", "sentence_transformers")


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Raise the libraries' loggers to ERROR and ignore their Python warnings for the length of the block."""
    os.environ.setdefault("LITERT_TORCH_SHOW_PROGRESS", "n")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in NOISY)]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold back what native code writes to file descriptor 2, and show it only when the block fails.

    LiteRT's converter and interpreter write progress there, past Python's streams and loggers.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        saved = os.dup(2)
        os.dup2(held.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            if failed:
                held.seek(0)
                sys.stderr.write(held.read().decode("utf-8", "replace"))
