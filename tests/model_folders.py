"""Model folders without weights, for tests of what is read from configuration alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BERT: dict[str, Any] = {
    "model_type": "bert", "vocab_size": 250037, "hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 12,
    "num_attention_heads": 12, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "type_vocab_size": 2,
    "pad_token_id": 0, "position_embedding_type": "absolute",
}  # fmt: skip
XLMR = {**BERT, "model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1, "type_vocab_size": 1}
PLAIN = ("Transformer", "Pooling", "Normalize")


def write_model(
    folder: Path,
    config: dict[str, Any],
    *,
    kinds: tuple[str, ...] = PLAIN,
    pooling: dict[str, Any] | None = None,
    prompts: dict[str, str] | None = None,
    limit: int | None = None,
) -> Path:
    """A sentence-transformers folder without weights."""
    folder.mkdir(parents=True, exist_ok=True)
    modules = []
    for index, kind in enumerate(kinds):
        path = "" if kind == "Transformer" else f"{index}_{kind}"
        modules.append({"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"})
        (folder / path).mkdir(exist_ok=True)
        if kind == "Pooling":
            content = pooling or {"word_embedding_dimension": config["hidden_size"], "pooling_mode_mean_tokens": True}
            (folder / path / "config.json").write_text(json.dumps(content))
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text("{}")
    if prompts is not None:
        (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    if limit is not None:
        (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": limit}))
    return folder
