"""Settings of the export stage."""

from __future__ import annotations

from dataclasses import dataclass

from triplette.settings.base import setting


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """[export]"""

    recipe: str = setting(
        "auto",
        "Bits of the weights: 'e4_a8_f4_p4' (embedding table, feed-forward and projection 4, attention 8; 179 MB at full size, "
        "what the published files use), 'int8' (314 MB), 'int8_weights' (as large; activations stay float32) or 'float32' (1.2 GB, for "
        "comparison). 'auto' is e4_a8_f4_p4, and int8 for models under 30 million weights besides their token table: 4 bits cost their "
        "ranking more than they save. Where rounding alone fails the proof, 'auto' goes on to int8 and int8_weights; the card says so.",
        choices=("auto", "e4_a8_f4_p4", "int8", "int8_weights", "float32"),
    )
    granularity: str = setting(
        "auto",
        "Numbers that share one scale in a 4-bit weight: 'channel' (a row), a block size, or 'auto': the largest block of 128, 64 "
        "and 32 that divides every width, else 'channel'. Blocks of 128 cost 0.2 MB at full size and lie closer to float32.",
        choices=("auto", "channel", "32", "64", "128", "256"),
    )
    vocabulary: str = setting(
        "auto",
        "Tokens in the file: 'whole', or 'corpus': those that can be spelled with the characters of the passages and training questions, "
        "proven to cut and embed these as before. 'auto' is corpus where the table is most of the weights and its tokens stand alone "
        "(SentencePiece Unigram, WordPiece): multilingual-e5-small makes a bundle of 39 MB; docs/experiments.md.",
        choices=("auto", "corpus", "whole"),
    )
    lengths: tuple[int, ...] = setting(
        (256, 512, 1024, 2048),
        "Sequence lengths in tokens, one signature each; a text runs in the shortest that holds it. Lengths past what the "
        "contract's max_tokens needs are left out. With only 256, longer texts are cut at 256.",
        low=16,
        high=8192,
    )
    layout: str = setting(
        "one",
        "'one': all lengths in one file that shares its weights (1.5 MB a length more). 'split': one file a length, for an app that "
        "loads a single length and cannot use the XNNPACK weight cache.",
        choices=("one", "split"),
    )
    litertlm: bool = setting(
        False,
        "Whether model.litertlm is written beside model.tflite: the same weights, for LiteRT-LM's embedding engine (litert-lm-api 0.17 and later, "
        "on the CPU). It is a second file of the same size and takes as long to convert.",
    )
    dimensions: tuple[int, ...] = setting(
        (), "Output dimensions, from the contract's; empty: all of them. Each is an output of every signature.", low=8, high=8192
    )
    questions: int = setting(200, "Held-out questions that the ranking is proven on, at most.", low=1, high=100_000)
    passages: int = setting(
        400, "Passages they are ranked against: all that answer, and others up to this number.", low=10, high=1_000_000
    )
    tokenizer_lines: int = setting(4000, "Lines of the corpus on which both tokenizers must agree.", low=100, high=1_000_000)
    float32_cosine: float = setting(
        0.99999, "Lowest cosine of the float32 file with PyTorch. A wrong rotary base still reaches 0.9998.", low=0.9, high=1.0
    )
    quantised_cosine: float = setting(
        0.8,
        "Lowest cosine of the quantised file with PyTorch at the largest dimension. Far below what a sound file has (0.88 on random "
        "weights, the worst case), because the ranking is what is held; it stops gross damage on a set too small to rank well.",
        low=0.0,
        high=1.0,
    )
    signature_cosine: float = setting(0.9999, "Lowest cosine between the signatures of the file on one text.", low=0.9, high=1.0)
    kernel_cosine: float = setting(
        0.99,
        "Lowest cosine of the quantised file between XNNPACK and plain kernels, which round activations differently: 0.999 and more on "
        "random weights. A graph that one of them misreads is far below.",
        low=0.9,
        high=1.0,
    )
    max_drop: float = setting(
        0.01, "Most that nDCG@10 at the largest dimension may lie below PyTorch's, significant or not.", low=0.0, high=1.0
    )
    threads: int = setting(2, "Threads of the interpreter while proving and embedding the corpus.", low=1, high=64)
    latency_threads: tuple[int, ...] = setting(
        (1, 2, 4), "Thread counts at which latency and memory are measured; empty: they are not measured.", low=1, high=64
    )
    latency_runs: int = setting(20, "Timed runs of each signature, after one to warm up; long ones stop after 10 s.", low=1, high=1000)
