"""A random model of EmbeddingGemma's architecture, small enough for a laptop, with a tokenizer of its own.

Everything that makes EmbeddingGemma what it is for training, merging and conversion is there: Gemma 3 text layers with
bidirectional attention, local (sliding window) and global layers with their two rotary bases, fewer key-value heads
than heads, mean pooling, two bias-free dense layers (d -> 4d -> d), normalisation, prompts, and a SentencePiece
tokenizer with byte fallback. Only the sizes differ, and the weights are random: what the model knows, it learned here.

The start is chosen so that minutes suffice. Blocks add little to the token embeddings at first. A token's vector is a random direction
of its own, as strong as the token is rare, and for the rest a direction that all tokens share and the dense layers (else an
identity) take out: the mean over a text is then a bag of its rare tokens, as in Arora et al. 2017 (smooth inverse
frequency, common component removed). Plain random vectors let the prompt and stop words drown everything: nDCG@10 on
our sample's gold questions began at 0.06 instead of 0.23. Width matters more than depth for such a bag (random directions
collide less): 192 wide with 4 layers began at 0.23, 384 wide with 2 layers, at the same cost, at 0.35.
"""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from triplette.contract import CONTRACTS, PromptContract
from triplette.errors import InputError
from triplette.hashing import hash_file

NAME = "tiny-embeddinggemma"
SPECIALS = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")  # ids 0..4, as in Gemma
MAX_SENTENCE_BYTES = 16_384  # longest line the tokenizer is trained on; longer ones are cut, not dropped


@dataclass(frozen=True, slots=True)
class TinyShape:
    """Sizes, and the start: ``block_gain`` scales what a block adds, ``by_rarity`` = False makes every token equally strong.

    ``global_every`` = 2 makes every second layer global; ``sliding_window`` counts both sides, as in Gemma's config.

    EmbeddingGemma-300m is 768 wide, 24 layers, 3 heads, 1 key-value head, head 256, feed-forward 1152, window 512,
    global_every 6, vocabulary 262144.
    """

    hidden: int = 384
    layers: int = 2
    heads: int = 6
    kv_heads: int = 2
    head_dim: int = 64
    feed_forward: int = 576
    sliding_window: int = 64
    global_every: int = 2
    vocabulary: int = 4096
    max_tokens: int = 256
    block_gain: float = 0.05
    by_rarity: bool = True


def build_tiny(folder: Path, texts: Sequence[str], *, shape: TinyShape | None = None, seed: int = 0) -> PromptContract:
    """Write a random model of ``shape`` into ``folder`` as a sentence-transformers folder; its contract is returned.

    ``texts`` train the tokenizer (the vocabulary shrinks when they do not fill it). The folder holds ``tokenizer.model``
    (SentencePiece) beside ``tokenizer.json``, and ``contract.json``. The same texts, shape and seed give the same bytes.
    Raises InputError when there is no text.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    shape = shape or TinyShape()
    folder = Path(folder)
    with tempfile.TemporaryDirectory() as scratch, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        core = Path(scratch) / "core"
        tokenizer = _save_tokenizer(core, texts, shape)
        core_model = _gemma(shape, len(tokenizer))
        common = _embed_by_rarity(
            core_model.embed_tokens.weight, rarity(tokenizer, texts, _contract(shape)) if shape.by_rarity else None
        )
        core_model.save_pretrained(core)
        transformer = Transformer(str(core))
        transformer.max_seq_length = shape.max_tokens
        first = Dense(shape.hidden, 4 * shape.hidden, bias=False, activation_function=None)
        second = Dense(4 * shape.hidden, shape.hidden, bias=False, activation_function=None)
        torch.nn.init.orthogonal_(first.linear.weight)
        second.linear.weight.data.copy_(first.linear.weight.T)
        first.linear.weight.data -= torch.outer(first.linear.weight.data @ common, common)
        contract = _contract(shape)
        prompts = {"query": contract.query_prefix, "document": contract.format_document("")}
        model = SentenceTransformer(
            modules=[transformer, Pooling(shape.hidden, "mean"), first, second, Normalize()],
            prompts=prompts,
            similarity_fn_name="cosine",
            device="cpu",
        )
        model.save(str(folder), create_model_card=False)
        shutil.copy(core / "tokenizer.model", folder / "tokenizer.model")
    contract = contract.bind(base_model=NAME, tokenizer_sha256=hash_file(folder / "tokenizer.json"))
    contract.save(folder / "contract.json")
    return contract


def _contract(shape: TinyShape) -> PromptContract:
    """EmbeddingGemma's prompts, with its dimensions 768/512/256/128 scaled to this width."""
    full = CONTRACTS["embeddinggemma"]
    sizes = tuple(size * shape.hidden // full.dimensions[0] for size in full.dimensions)
    return replace(full, dimensions=sizes, max_tokens=shape.max_tokens)


def _gemma(shape: TinyShape, vocabulary: int) -> Any:
    """A Gemma 3 text model whose blocks start small beside the token embeddings."""
    import torch
    from transformers import Gemma3TextConfig, Gemma3TextModel

    config = Gemma3TextConfig(
        vocab_size=vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        query_pre_attn_scalar=shape.head_dim,
        sliding_window=shape.sliding_window,
        layer_types=["sliding_attention" if (index + 1) % shape.global_every else "full_attention" for index in range(shape.layers)],
        max_position_embeddings=2048,
        use_bidirectional_attention=True,
        rope_parameters={
            "full_attention": {"rope_type": "default", "rope_theta": 1_000_000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10_000.0},
        },
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=2,
        use_cache=False,
        dtype="float32",
    )
    model = Gemma3TextModel(config)
    with torch.no_grad():
        for layer in model.layers:
            # Gemma's norms scale by 1 + weight
            layer.post_attention_layernorm.weight.fill_(shape.block_gain - 1.0)
            layer.post_feedforward_layernorm.weight.fill_(shape.block_gain - 1.0)
    return model


def rarity(tokenizer: Any, texts: Sequence[str], contract: PromptContract) -> Any:
    """How rare each token is: its inverse document frequency over the largest, 0.01..1, as a float32 tensor (vocabulary,).

    Each text is counted as a question and as a passage, so that the tokens of the prompts are the commonest of all.
    """
    import torch

    counts = torch.zeros(len(tokenizer))
    forms = [form for text in texts for form in (contract.format_query(text), contract.format_document(text))]
    for form in forms:
        counts[list(set(tokenizer(form)["input_ids"]))] += 1
    idf = torch.log((len(forms) + 1) / (counts + 1))
    return (idf / idf.max()).clamp(0.01, 1.0)


def _embed_by_rarity(weight: Any, rare: Any | None) -> Any:
    """Fill the embedding (vocabulary, hidden) with unit rows, and return the direction (hidden,) that they share.

    The model multiplies embeddings by sqrt(hidden) on the way in, which makes each component about 1.
    """
    import torch

    with torch.no_grad():
        common = torch.zeros(weight.shape[1])
        common[-1] = 1.0  # the last component: the smaller dimensions then lose nothing by it
        own = torch.randn(weight.shape)
        own[:, -1] = 0.0
        own /= own.norm(dim=1, keepdim=True)
        rare = torch.ones(len(weight)) if rare is None else rare
        weight.copy_(torch.sqrt(1 - rare**2)[:, None] * common + rare[:, None] * own)
        weight[0].zero_()  # padding
    return common


def _save_tokenizer(folder: Path, texts: Sequence[str], shape: TinyShape) -> Any:
    """Train SentencePiece, save ``tokenizer.model`` and the same tokenizer in the fast form; the fast one is returned."""
    from transformers import GemmaTokenizer

    folder.mkdir(parents=True)
    model = train_sentencepiece(texts, shape.vocabulary)
    (folder / "tokenizer.model").write_bytes(model)
    vocabulary, merges = read_pieces(model)
    tokenizer = GemmaTokenizer(
        vocab=vocabulary,
        merges=merges,
        add_bos_token=True,
        add_eos_token=True,
        model_max_length=shape.max_tokens,
        padding_side="right",
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def train_sentencepiece(texts: Sequence[str], vocabulary: int) -> bytes:
    """A Gemma-like SentencePiece model: BPE, byte fallback, digits split, spaces kept, no space put in front.

    Raises InputError when there is no text to train on.
    """
    import sentencepiece

    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError("there is no text to train a tokenizer on", cure="give the corpus some text")
    while True:
        stream = io.BytesIO()
        try:
            with _quiet_fd():
                sentencepiece.SentencePieceTrainer.train(
                    sentence_iterator=_cut(lines),
                    model_writer=stream,
                    model_type="bpe",
                    vocab_size=vocabulary,
                    character_coverage=1.0,
                    byte_fallback=True,
                    split_digits=True,
                    add_dummy_prefix=False,
                    remove_extra_whitespaces=False,
                    normalization_rule_name="identity",
                    allow_whitespace_only_pieces=True,
                    max_sentence_length=2 * MAX_SENTENCE_BYTES,
                    pad_id=0,
                    eos_id=1,
                    bos_id=2,
                    unk_id=3,
                    pad_piece=SPECIALS[0],
                    eos_piece=SPECIALS[1],
                    bos_piece=SPECIALS[2],
                    unk_piece=SPECIALS[3],
                    user_defined_symbols=[SPECIALS[4], "\n"],
                    num_threads=1,
                    minloglevel=2,
                )
            return stream.getvalue()
        except RuntimeError as error:
            # few texts hold fewer pieces than asked for; the library says how many
            limit = re.search(r"value <= (\d+)", str(error))
            if limit is None or int(limit[1]) >= vocabulary:
                raise
            vocabulary = int(limit[1])


def _cut(lines: Iterable[str]) -> Iterator[str]:
    step = MAX_SENTENCE_BYTES // 4  # characters: at most four bytes each
    for line in lines:
        for start in range(0, len(line), step):
            yield line[start : start + step]


@contextmanager
def _quiet_fd() -> Iterator[None]:
    """The trainer writes its normaliser's notes straight to file descriptor 2; keep them off the terminal."""
    import os
    import sys

    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with Path(os.devnull).open("w") as sink:
            os.dup2(sink.fileno(), 2)
            yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def read_pieces(model: bytes) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The pieces (text -> id) and the merges of a SentencePiece BPE model, in the order in which it applies them.

    SentencePiece stores pieces with scores and merges whatever pair makes the piece with the best score; the fast form
    wants the pairs themselves: every split of a piece into two pieces, best piece first.
    """
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    pieces = {processor.id_to_piece(i): i for i in range(processor.get_piece_size())}
    normal = [
        (piece, i)
        for piece, i in pieces.items()
        if not (processor.is_control(i) or processor.is_unknown(i) or processor.is_byte(i)) and piece not in (*SPECIALS, "\n")
    ]
    known = {piece for piece, _ in normal}
    merges: list[tuple[str, str]] = []
    for piece, _ in sorted(normal, key=lambda item: (-processor.get_score(item[1]), item[1])):
        splits = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece))]
        merges += [(left, right) for left, right in splits if left in known and right in known]
    return pieces, merges
