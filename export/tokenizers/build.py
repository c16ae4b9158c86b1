"""The bundle's ``tokenizer.model``: copied where the model ships SentencePiece's, else built from ``tokenizer.json``; then compared.

Byte-pair merges (Gemma) are described differently by the two forms: tokenizer.json lists merges in order, SentencePiece scores pieces and
merges whatever pair makes the best-scored piece. The rank of the first merge that makes a piece, negated, is that score. Unigram
(XLM-R) is the same in both: pieces with scores, and a table of how characters are normalised. Byte-level merges (ModernBERT, Qwen) and WordPiece
(BERT) have forms of their own (``byte_level``, ``wordpiece``).
No form is trusted: both must give the reference's ids on thousands of lines and on strings that are known to differ.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from triplette.errors import InputError, ProofFailed
from triplette.export.tokenizers import wordpiece
from triplette.export.tokenizers.byte_level import NAME, build_byte_level, is_byte_level, stripping_tokens
from triplette.export.tokenizers.forms import open_tokenizer, text_form
from triplette.export.tokenizers.pieces import Tokenizer, TokenizerSpec
from triplette.export.tokenizers.wordpiece import build_wordpiece, check_wordpiece, is_wordpiece
from triplette.tables import replacing

SUPPORTED = (
    "Gemma's (byte-pair merges with byte fallback), XLM-R's (SentencePiece Unigram), ModernBERT's and Qwen's (byte-level BPE), "
    "or BERT's (WordPiece)"
)
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
AWKWARD = (
    "",
    " ",
    "  deux espaces devant",
    "deux espaces derrière  ",
    "plusieurs   espaces    au milieu",
    "tab\tulation",
    "fin de ligne\nligne",
    "deux\n\nlignes\n\n\n",
    "retour\r\nchariot",
    "saut\fde page",
    "insécable\u00a0et fine\u202f!",
    "largeur\u200bnulle\ufeff",
    unicodedata.normalize("NFD", "Échec à la découverte, où l'été naît"),
    unicodedata.normalize("NFC", "Échec à la découverte, où l'été naît"),
    "œuvre cœur ŒUVRE æ ﬁn",
    "♔♕♖♗♘♙ 1.e4 e5 2.♘f3",
    "🚀 👩🏽\u200d🏫 🇫🇷",
    "東京タワー Ελλάδα Москва ‏עברית العربية",
    "12345 67 3,14 1 000 000 5½",
    "<bos>au début",
    "fin<eos>",
    "un <mask> ici, <unk> là, <pad> aussi",
    "<start_of_turn>user <end_of_turn>",
    "&lt;b&gt; <b>gras</b> [x](y) `code` \\n",
    "task: search result | query: x",
    "title: none | text: ",
    "▁le caractère d'échappement▁lui-même",
    "\u0000\u0001\u007f",
    "a" * 300,
    "n'est-ce pas l'arbitre qu'aujourd'hui",
    "https://exemple.fr/a?b=c&d=é#f",
)


@dataclass(frozen=True, slots=True)
class Agreement:
    """The comparison of two tokenizers: texts compared, and the first texts on which they differ (with both ids)."""

    compared: int
    differing: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Built:
    """The written tokenizer: its spec, where it came from (``copied`` or ``built``) and how it agrees."""

    spec: TokenizerSpec
    origin: str
    agreement: Agreement


def write_tokenizer(folder: Path, reference: Any, texts: Sequence[str], path: Path) -> Built:
    """Write ``path``, a tokenizer that gives ``reference``'s ids (a transformers tokenizer) on ``texts``.

    Raises ProofFailed with the first differing text when neither the copied nor the built model agrees.
    """
    spec = read_spec(folder, reference)
    tried = []
    for origin in ("copied", "built"):
        content = _content(folder, origin, reference)
        if content is None:
            continue
        with replacing(path) as temporary:
            temporary.write_bytes(content)
        narrow = spec if text_form(content) else replace(spec, specials=hidden_specials(spec.specials, content))
        agreement = compare(open_tokenizer(path, narrow), reference, texts)
        if agreement.differing == 0:
            return Built(narrow, origin, agreement)
        tried.append(f"{origin}: {agreement.differing} of {agreement.compared} texts differ, such as {agreement.examples[0]}")
    path.unlink(missing_ok=True)
    raise ProofFailed(
        f"the bundle's tokenizer disagrees with the model's own; {'; '.join(tried)}",
        where=str(folder),
        cure="export a model with one of the supported tokenizers: " + SUPPORTED,
    )


def _content(folder: Path, origin: str, reference: Any) -> bytes | None:
    shipped = folder / "tokenizer.model"
    if origin == "copied":
        return shipped.read_bytes() if shipped.exists() else None
    content = read_json(folder)
    if is_byte_level(content):
        return build_byte_level(content)
    if is_wordpiece(content):
        return build_wordpiece(content)
    build = build_unigram if content["model"].get("type") == "Unigram" else build_sentencepiece
    return build(content, reference)


def check_kind(content: dict[str, Any]) -> str:
    """The kind of a ``tokenizer.json`` in a word. Raises InputError for one that the phone cannot read."""
    model = content.get("model") or {}
    if is_byte_level(content):
        build_byte_level(content)
        return NAME
    if is_wordpiece(content):
        check_wordpiece(content)
        return wordpiece.NAME
    if model.get("type") == "BPE" and model.get("byte_fallback"):
        return "byte-pair"
    if model.get("type") == "Unigram" and not model.get("byte_fallback"):
        return "Unigram"
    raise InputError(f"the phone cannot read its tokenizer: tokenizer.json is {model.get('type')}", cure="use " + SUPPORTED)


def read_spec(folder: Path, reference: Any) -> TokenizerSpec:
    """The ids around a text, from what the reference puts around a one-letter text; its padding id and special tokens."""
    whole = reference("a")["input_ids"]
    bare = reference("a", add_special_tokens=False)["input_ids"]
    start = next((i for i in range(len(whole) - len(bare) + 1) if whole[i : i + len(bare)] == bare), None)
    if start is None or not bare:
        raise InputError("the tokenizer changes a text between its special tokens", where=str(folder), cure="use " + SUPPORTED)
    content = read_json(folder)
    specials = {str(token["content"]): int(token["id"]) for token in content["added_tokens"]}
    stripping = stripping_tokens(content) if is_byte_level(content) else ()
    return TokenizerSpec(tuple(whole[:start]), tuple(whole[start + len(bare) :]), int(reference.pad_token_id), specials, stripping)


def hidden_specials(specials: Mapping[str, int], model: bytes) -> dict[str, int]:
    """The special tokens that SentencePiece would spell out: all but its user-defined pieces (Gemma has thousands of those)."""
    from sentencepiece import sentencepiece_model_pb2 as protocol

    content = protocol.ModelProto()
    content.ParseFromString(model)
    found = {piece.piece for piece in content.pieces if piece.type == piece.USER_DEFINED}
    return {name: identity for name, identity in specials.items() if name not in found}


def compare(pieces: Tokenizer, reference: Any, texts: Sequence[str]) -> Agreement:
    """Both tokenizers over ``texts`` and the awkward strings, without truncation."""
    every = [*texts, *AWKWARD]
    differing = []
    for text in every:
        theirs = reference(text, add_special_tokens=False, truncation=False)["input_ids"]
        mine = pieces.text_ids(text)
        if mine != theirs:
            differing.append(f"{text[:60]!r}: {mine[:8]} here, {theirs[:8]} in the model's tokenizer")
    return Agreement(len(every), len(differing), tuple(differing[:5]))


def build_sentencepiece(content: dict[str, Any], reference: Any) -> bytes:
    """A SentencePiece BPE model from a Gemma ``tokenizer.json``. Raises InputError when its model is not byte-fallback BPE."""
    from sentencepiece import sentencepiece_model_pb2 as protocol

    model = content["model"]
    if model.get("type") != "BPE" or not model.get("byte_fallback"):
        raise InputError(
            f"tokenizer.json is {model.get('type')}, not byte-pair merges with byte fallback or Unigram", cure="use " + SUPPORTED
        )
    vocabulary: dict[str, int] = model["vocab"]
    rank: dict[str, int] = {}
    for position, merge in enumerate(model["merges"]):
        left, right = merge if isinstance(merge, list) else merge.split(" ", 1)
        rank.setdefault(left + right, position)
    added = {str(token["content"]): int(token["id"]) for token in content["added_tokens"]}
    result = protocol.ModelProto()
    _write_header(result, protocol, reference, len({**vocabulary, **added}))
    named = {identity: text for text, identity in {**vocabulary, **added}.items()}
    piece = protocol.ModelProto.SentencePiece
    controls = {reference.pad_token, reference.eos_token, reference.bos_token}
    for identity in range(max(named) + 1):
        text = named.get(identity, f"<gap{identity}>")
        if text == reference.unk_token:
            kind = piece.UNKNOWN
        elif text in controls:
            kind = piece.CONTROL
        elif _BYTE.fullmatch(text):
            kind = piece.BYTE
        else:
            kind = piece.USER_DEFINED if text in added else piece.NORMAL
        # pieces that no merge makes (single characters) come after every merged one
        score = -float(rank.get(text, len(rank) + identity)) if kind == piece.NORMAL else 0.0
        result.pieces.add(piece=text, score=score, type=kind)
    return bytes(result.SerializeToString())


def _write_header(result: Any, protocol: Any, reference: Any, size: int) -> None:
    trainer, normalizer = result.trainer_spec, result.normalizer_spec
    trainer.model_type = protocol.TrainerSpec.BPE
    trainer.byte_fallback = True
    _write_names(trainer, reference, size)
    normalizer.name = "identity"
    normalizer.add_dummy_prefix = False
    normalizer.remove_extra_whitespaces = False
    normalizer.escape_whitespaces = True


def _write_names(trainer: Any, reference: Any, size: int) -> None:
    trainer.vocab_size = size
    for name in ("pad", "eos", "bos", "unk"):
        setattr(trainer, f"{name}_id", getattr(reference, f"{name}_token_id"))
        setattr(trainer, f"{name}_piece", getattr(reference, f"{name}_token"))


def build_unigram(content: dict[str, Any], reference: Any) -> bytes:
    """A SentencePiece Unigram model from an XLM-R ``tokenizer.json``. Raises InputError where it normalises or splits otherwise."""
    from sentencepiece import sentencepiece_model_pb2 as protocol

    model = content["model"]
    if model.get("byte_fallback"):
        raise InputError("Unigram with byte fallback is not supported", cure="use " + SUPPORTED)
    added = {int(token["id"]): str(token["content"]) for token in content["added_tokens"]}
    pieces = [(str(text), float(score)) for text, score in model["vocab"]]
    pieces += [(added[identity], 0.0) for identity in sorted(added) if identity >= len(pieces)]
    result = protocol.ModelProto()
    result.trainer_spec.model_type = protocol.TrainerSpec.UNIGRAM
    _write_names(result.trainer_spec, reference, len(pieces))
    result.normalizer_spec.CopyFrom(_normalizer(content, protocol))
    piece = protocol.ModelProto.SentencePiece
    for identity, (text, score) in enumerate(pieces):
        kind = piece.UNKNOWN if identity == model["unk_id"] else piece.CONTROL if identity in added else piece.NORMAL
        result.pieces.add(
            piece=text, score=score, type=None if kind == piece.NORMAL else kind
        )  # NORMAL is what a piece without a type is
    return bytes(result.SerializeToString())


def _normalizer(content: dict[str, Any], protocol: Any) -> Any:
    """SentencePiece's normaliser: the table of characters, runs of spaces as one, a space in front, spaces as U+2581."""
    steps = _steps(content.get("normalizer"), "normalizers")
    splits = _steps(content.get("pre_tokenizer"), "pretokenizers")
    known = {"Precompiled", "Replace", "Strip"}
    spaced = next((step for step in splits if step["type"] == "Metaspace"), None)
    odd = [step["type"] for step in steps if step["type"] not in known]
    odd += [step["type"] for step in splits if step["type"] not in ("WhitespaceSplit", "Metaspace")]
    if odd or spaced is None:
        raise InputError(f"the tokenizer normalises or splits by {', '.join(odd) or 'no Metaspace'}", cure="use " + SUPPORTED)
    table = next((step["precompiled_charsmap"] for step in steps if step["type"] == "Precompiled"), None)
    spec = protocol.NormalizerSpec(name="nmt_nfkc" if table else "identity")
    if table:
        spec.precompiled_charsmap = base64.b64decode(table)
    spec.add_dummy_prefix = spaced.get("prepend_scheme", "always") != "never"
    spec.remove_extra_whitespaces = True
    spec.escape_whitespaces = True
    return spec


def _steps(entry: dict[str, Any] | None, key: str) -> list[dict[str, Any]]:
    if entry is None:
        return []
    return list(entry[key]) if entry["type"] == "Sequence" else [entry]


def read_json(folder: Path) -> dict[str, Any]:
    """``tokenizer.json``. Raises InputError when it is not there."""
    path = folder / "tokenizer.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"not readable ({error})", where=str(path), cure="run `train merge` again") from error
