"""Keeping libraries' import-time chatter and progress bars off the terminal of those who did not ask for it.

Only messages that no user can act on are silenced (kernels for other hardware that are not installed, weights being
written); warnings about the user's own model or data stay.
"""

from __future__ import annotations

import logging
import os
import warnings

SAMPLER = "sentence_transformers.base.sampler"  # what it says of a short pass is said by triplette.train.groups, with the rows
NOISY = ("torchao", "torch.utils._pytree", "bitsandbytes", "httpx", "sentence_transformers.base.model", "accelerate", SAMPLER)


def quiet_libraries() -> None:
    """Call before the first import of torch or transformers. Repeated calls do nothing new."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # the fork warning of tokenizers under a data loader
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="'pin_memory' argument is set as true but no accelerator", category=UserWarning)
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
