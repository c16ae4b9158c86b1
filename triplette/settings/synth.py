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
