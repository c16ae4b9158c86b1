"""The model as a ``.litertlm`` file, which LiteRT-LM's embedding engine runs: two graphs, tokenizer and metadata in one file.

The engine (litert-lm-api 0.17 and later) asks one graph for a row a token and another for the vector of the rows. Published files have the table of
embeddings in the first. Here the first gives back the token's number and the second is the whole graph, with the weights of ``model.tflite`` bit for bit:
nothing is proven twice, the table keeps its 4 bits, and every family fits, those with further tables included. A number is exact in float32 and not in
float16, hence the constraint to the CPU. The engine knows no prompts: the caller formats, as ``contract.json`` says; both prefixes stand in the metadata.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from triplette.contract import PromptContract
from triplette.export.convert.convert import write_signatures
from triplette.export.convert.quantize import Recipe, quantize
from triplette.export.litert import Spec
from triplette.export.tokenizers.build import read_json

FILE = "model.litertlm"
ENGINE, ROW, FLOAT32 = "engine.tflite", "row.tflite", "float32-engine.tflite"
METADATA, TOKENIZER, EMBEDDER, ENCODER = "metadata", "tokenizer", "tf_lite_embedder", "tf_lite_text_encoder"


def convert_engine(encoder: Any, lengths: Sequence[int], dimension: int, folder: Path) -> None:
    """Write the two graphs into ``folder``, that of the encoder in float32 for ``quantize_engine``, and ``row.tflite``."""
    import torch

    from triplette.export.families.graph import EngineSignature, TokenRow

    samples = {f"encoder_{length}": {"embeddings": torch.ones(1, length, 1), "input_mask": torch.ones(1, length)} for length in lengths}
    write_signatures(EngineSignature(encoder, dimension).eval(), samples, folder / FLOAT32)
    write_signatures(TokenRow().eval(), {"embedder": {"token": torch.ones(1, dtype=torch.int32)}}, folder / ROW)


def quantize_engine(folder: Path, recipe: Recipe) -> None:
    """Write ``engine.tflite`` into the folder of ``convert_engine``."""
    quantize(folder / FLOAT32, folder / ENGINE, recipe)


def write_litertlm(graphs: Path, model: Path, contract: PromptContract, spec: Spec, target: Path) -> dict[str, bytes]:
    """Write ``target`` from the graphs of ``convert_engine`` and the tokenizer of ``model``; what went in, by section."""
    from litert_lm_builder import DType, LitertLmFileBuilder, Metadata, TfLiteModelType
    from litert_lm_builder.runtime.proto import embedding_metadata_pb2 as protocol

    metadata = protocol.EmbeddingMetadata(max_input_length=spec.lengths[-1], min_input_length=1)
    metadata.embedding_model_type.generic_model.SetInParent()
    if spec.tokenizer.before:
        metadata.bos_token.token_ids.ids.extend(spec.tokenizer.before)
    if spec.tokenizer.after:
        metadata.eos_token.token_ids.ids.extend(spec.tokenizer.after)
    # the tokenizer must neither cut nor pad: the engine does
    tokenizer = json.dumps({**read_json(model), "truncation": None, "padding": None}, ensure_ascii=False).encode("utf-8")
    named = {"query_prefix": contract.query_prefix, "document_prefix": contract.document_prefix, "contract": contract.hash}
    with tempfile.TemporaryDirectory(dir=graphs) as folder:
        (Path(folder) / "tokenizer.json").write_bytes(tokenizer)
        (Path(folder) / "metadata.pb").write_bytes(metadata.SerializeToString())
        builder: Any = LitertLmFileBuilder()
        for key, value in named.items():
            builder.add_system_metadata(Metadata(key=key, value=value, dtype=DType.STRING))
        builder.add_embedding_metadata(str(Path(folder) / "metadata.pb"))
        builder.add_hf_tokenizer(str(Path(folder) / "tokenizer.json"))
        builder.add_tflite_model(str(graphs / ROW), TfLiteModelType.EMBEDDER, backend_constraint="cpu")
        builder.add_tflite_model(str(graphs / ENGINE), TfLiteModelType.TEXT_ENCODER, backend_constraint="cpu")
        with target.open("wb") as stream:
            builder.build(stream)
    return {
        METADATA: metadata.SerializeToString(),
        TOKENIZER: tokenizer,
        EMBEDDER: (graphs / ROW).read_bytes(),
        ENCODER: (graphs / ENGINE).read_bytes(),
    }
