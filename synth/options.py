"""What may be said on ``synth``'s command line, and the settings that it makes with the settings file.

An option that is not given is None and leaves the file's value, or the default, in place.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triplette.console import say

if TYPE_CHECKING:
    from triplette.profile import Profile
    from triplette.settings.llm import LlmSettings
    from triplette.settings.mine import MineSettings
    from triplette.settings.synth import ChunkSettings
    from triplette.settings.write import WriteSettings

CorpusOption = Annotated[Path, typer.Option("--corpus", help="Folder (or one file) of documents.", metavar="DIR")]
TokensOption = Annotated[int | None, typer.Option("--target-tokens", help="Tokens a chunk aims at, never passed (default 256).")]
OverlapOption = Annotated[int | None, typer.Option("--overlap-tokens", help="Tokens repeated from the chunk before (default 0).")]
LanguageOption = Annotated[
    str | None, typer.Option("--language", help="The documents' language, as fr, en, de; else it is read off each.", metavar="CODE")
]
TokenizerOption = Annotated[str | None, typer.Option("--tokenizer", help="'estimate', or a tokenizer's folder or id (models extra).")]
IncludeOption = Annotated[
    list[str] | None, typer.Option("--include", help="Only files this .gitignore-like pattern names (repeatable).")
]
ExcludeOption = Annotated[list[str] | None, typer.Option("--exclude", help="Leave out what this pattern names (repeatable).")]
LinksOption = Annotated[bool | None, typer.Option("--follow-links", help="Follow links that lead out of the folder.")]
ReaderOption = Annotated[str | None, typer.Option("--reader", help="'own' (default), or 'docling' where it is installed.")]
HarvestOption = Annotated[
    str | None, typer.Option("--harvest", help="The documents' own questions: 'gold' (default), 'train' or 'off'; never both.")
]
LlmOption = Annotated[str | None, typer.Option("--llm", help="Write with an LLM, as openai:MODEL; the key comes from the environment.")]
EncoderOption = Annotated[
    str | None, typer.Option("--encoder", help="'lsa' (built in) or a sentence-transformers model (models extra).")
]
NegativesOption = Annotated[int | None, typer.Option("--negatives", help="Negatives a question gets at most; 0: pairs only.")]


def config_beside(corpus: Path, config: Path | None) -> Path | None:
    """The settings file: the one given, else ./triplette.toml, else the one in the corpus's own folder, which is then told."""
    from triplette.settings.base import FILE_NAME

    beside = corpus / FILE_NAME
    if config is not None or Path(FILE_NAME).exists() or not beside.is_file():
        return config
    say(f"settings: {beside}")
    return beside


def profile_of(config: Path | None) -> Profile | None:
    """The profile that the settings name; None leaves it to the corpus's language."""
    from triplette.profile import settings_profile

    return settings_profile(config)


def chunk_settings(
    config: Path | None,
    target_tokens: int | None,
    overlap_tokens: int | None,
    tokenizer: str | None,
    language: str | None,
    include: list[str] | None,
    exclude: list[str] | None,
    follow_links: bool | None,
    reader: str | None,
) -> ChunkSettings:
    """``[synth.chunk]`` with what the command line says."""
    from triplette.settings.load import load_section
    from triplette.settings.synth import ChunkSettings

    return load_section(
        ChunkSettings,
        "synth.chunk",
        config,
        target_tokens=target_tokens,
        overlap_tokens=overlap_tokens,
        tokenizer=tokenizer,
        language=language,
        include=include or None,
        exclude=exclude or None,
        follow_links=follow_links,
        reader=reader,
    )


def write_settings(
    config: Path | None,
    llm: str | None,
    base_url: str | None,
    prices: Path | None,
    harvest: str | None = None,
    batch: bool | None = None,
) -> tuple[WriteSettings, LlmSettings]:
    """``[synth.write]`` and ``[synth.llm]``; naming a model or an endpoint is asking for the LLM writer."""
    from triplette.settings.load import load_llm, load_section, refuse_without_model
    from triplette.settings.write import WriteSettings

    writer = "llm" if llm is not None or base_url else None
    settings = load_section(WriteSettings, "synth.write", config, writer=writer, harvest=harvest)
    if settings.writer == "rules":
        refuse_without_model(prices=prices, batch=batch)
    return settings, load_llm("synth.llm", config, llm, base_url, prices, batch)


def mine_settings(config: Path | None, encoder: str | None, negatives: int | None) -> MineSettings:
    """``[synth.mine]`` with what the command line says."""
    from triplette.settings.load import load_section
    from triplette.settings.mine import MineSettings

    return load_section(MineSettings, "synth.mine", config, encoder=encoder, negatives=negatives)
