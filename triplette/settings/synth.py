"""Settings of the synthesis stage: chunk, write, mine."""

from __future__ import annotations

from dataclasses import dataclass

from triplette.settings.base import setting


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    """[synth.chunk]"""

    target_tokens: int = setting(
        256,
        "Tokens that a chunk aims at, title prefix included. 256 suits a phone: LiteRT's cost grows with the "
        "sequence length. With 450 and overlap_tokens = 50 passages are longer and fewer.",
        low=32,
        high=2048,
    )
    overlap_tokens: int = setting(0, "Tokens repeated from the end of the chunk before.", low=0, high=512)
    min_tokens: int = setting(24, "A shorter rest is joined to its neighbour: too little text to ask about.", low=0, high=512)
    tokenizer: str = setting(
        "estimate",
        "Whose tokens are counted: 'estimate' (built in, never under the Gemma tokenizer's count on French rule texts in our "
        "measurements) or the path or id of a tokenizer (needs the [models] extra).",
    )
    language: str = setting(
        "",
        "ISO 639-1 code of the documents' language, such as fr. Empty: read off each document, and off a passage plainly in another.",
    )
    contract: str = setting("embeddinggemma", "The prompt contract whose document prefix must fit too.")
    reader: str = setting(
        "own",
        "Who reads PDF, office files and HTML: 'own' (built in), or 'docling' where that is installed (slower; finds tables by a model).",
        choices=("own", "docling"),
    )
    include: tuple[str, ...] = setting(
        (), 'Only files that one of these patterns names are read, as in a .gitignore: ["*.md", "guide/"].'
    )
    exclude: tuple[str, ...] = setting((), "Files and folders that one of these patterns names are left out.")
    follow_links: bool = setting(False, "Whether links that lead out of the corpus folder are followed.")
    gitignore: bool = setting(True, "Whether what a .gitignore in the corpus folder names is left out.")
    check: bool = setting(
        True,
        "Read every document a second time with another library, and measure what of it the chunks hold. It takes about as long as "
        "reading does; without it a document that is half lost says nothing.",
    )
    ocr: bool = setting(
        True, "Read the pages of a PDF that are only pictures with tesseract, where that is installed; they take seconds each."
    )
    warn_words: float = setting(0.97, "Warn of a document when the chunks hold a smaller share of its words.", low=0.0, high=1.0)
    warn_sentences: float = setting(
        0.9,
        "Warn of a document when the chunks hold a smaller share of its sentences whole. Lower than for words, because the second "
        "reader cuts some sentences itself.",
        low=0.0,
        high=1.0,
    )
    workers: int = setting(0, "Processes that read documents; 0: one a core, and none of its own for a few texts.", low=0, high=256)
    patience: int = setting(
        300,
        "Seconds without a sign of life, one a page, after which a document is given up and named; formats without pages have a second "
        "more for each 50 kB, and a page that tesseract reads may take 180. 0: wait for ever.",
        low=0,
        high=86_400,
    )
