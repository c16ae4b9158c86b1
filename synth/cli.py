"""The ``synth`` command: documents to triplets. It parses, calls one function a command, and prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triplette.console import (
    ConfigOption,
    JsonOption,
    RunOption,
    new_app,
    open_run,
    print_json,
    run_app,
    say,
    summarise,
    table,
    with_version,
)
from triplette.rundir import DEFAULT_RUN

if TYPE_CHECKING:
    from triplette.rundir import RunDir

app = with_version(new_app("Documents -> chunks -> questions -> triplets with hard negatives.", completion=True))

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
UrlOption = Annotated[str | None, typer.Option("--base-url", help="Any OpenAI-compatible endpoint instead of OpenAI's.")]
BudgetOption = Annotated[
    float | None, typer.Option("--budget", help="Stop, resumable, before spending more than this (US dollars).", min=0)
]
PricesOption = Annotated[
    Path | None, typer.Option("--prices", help="Price list to count with, TOML or JSON (docs/llm.md).", metavar="FILE")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Quote calls, tokens, cost and time; spend nothing.")]
EncoderOption = Annotated[
    str | None, typer.Option("--encoder", help="'lsa' (built in) or a sentence-transformers model (models extra).")
]
NegativesOption = Annotated[int | None, typer.Option("--negatives", help="Negatives a question gets at most; 0: pairs only.")]


@app.command()
def generate(
    corpus: CorpusOption,
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    target_tokens: TokensOption = None,
    overlap_tokens: OverlapOption = None,
    tokenizer: TokenizerOption = None,
    language: LanguageOption = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    follow_links: LinksOption = None,
    reader: ReaderOption = None,
    harvest: HarvestOption = None,
    llm: LlmOption = None,
    base_url: UrlOption = None,
    prices: PricesOption = None,
    budget: BudgetOption = None,
    dry_run: DryRunOption = False,
    encoder: EncoderOption = None,
    negatives: NegativesOption = None,
    json_output: JsonOption = False,
) -> int:
    """Chunk, write and mine in one go.

    Example: synth generate --corpus fr_rules/
    """
    from triplette.synth.generate import generate as run_all
    from triplette.synth.show import render, select_triplets

    config = _found_beside(corpus, config)
    chunk_settings = _chunk_settings(
        config,
        target_tokens=target_tokens,
        overlap_tokens=overlap_tokens,
        tokenizer=tokenizer,
        language=language,
        include=include,
        exclude=exclude,
        follow_links=follow_links,
        reader=reader,
    )
    write_settings, llm_settings = _write_settings(config, llm, base_url, prices, harvest)
    mine_settings = _mine_settings(config, encoder, negatives)
    profile = _profile(config)
    place = open_run(run)
    if dry_run:
        from triplette.synth.chunk import chunk_corpus

        chunked = chunk_corpus(place, corpus, chunk_settings, profile)
        _quote(place, write_settings, llm_settings, json_output)
        return 1 if chunked.failed else 0
    result = run_all(place, corpus, chunk_settings, write_settings, llm_settings, mine_settings, profile=profile, budget=budget)
    if json_output:
        print_json(result.as_json())
    else:
        table("What was made", ("", "count"), result.rows())
        if result.reject_rows():
            table("What fell out (rejected.parquet keeps every row)", ("step", "reason", "rows"), result.reject_rows())
        say("Three of the triplets:\n")
        render(select_triplets(place, count=3, seed=0))
        for note in result.notes():
            say(note)
        _tell_profile(place)
        say(f"\nNext: {place.command('synth show')} to browse them, {place.command('curate judge')} to filter them.")
    _report_failures(result.chunked.failed)
    return 1 if result.chunked.failed else 0


@app.command()
def chunk(
    corpus: CorpusOption,
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    target_tokens: TokensOption = None,
    overlap_tokens: OverlapOption = None,
    tokenizer: TokenizerOption = None,
    language: LanguageOption = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    follow_links: LinksOption = None,
    reader: ReaderOption = None,
    show_file: Annotated[
        str | None,
        typer.Option("--show", help="Write a page that shows this document facing its chunks, lost words marked.", metavar="FILE"),
    ] = None,
    json_output: JsonOption = False,
) -> int:
    """Read documents (md, txt, pdf, html, docx, odt, rtf, epub, pptx, xlsx, docling's json) and cut them into chunks.

    Example: synth chunk --corpus fr_rules/ --target-tokens 450 --overlap-tokens 50
    """
    from triplette.synth.chunk import chunk_corpus

    config = _found_beside(corpus, config)
    settings = _chunk_settings(
        config,
        target_tokens=target_tokens,
        overlap_tokens=overlap_tokens,
        tokenizer=tokenizer,
        language=language,
        include=include,
        exclude=exclude,
        follow_links=follow_links,
        reader=reader,
    )
    place = open_run(run)
    result = chunk_corpus(place, corpus, settings, _profile(config))
    if show_file is not None:
        _show_document(place, corpus, show_file)
    elif json_output:
        print_json({name: getattr(result, name) for name in type(result).__slots__} | {"lacks": result.lacks()})
    else:
        dropped = sum(result.dropped.values())
        summarise(
            "Chunks" + (" (unchanged: same documents, settings and code)" if result.unchanged else ""),
            {
                "documents": result.documents,
                "chunks": result.chunks,
                "languages": result.spoken(),
                "longest, in tokens": result.longest,
                "characters of text": result.characters,
                "words in a chunk": f"{100 * result.coverage:.2f} %",
                "sentences whole in a chunk": f"{100 * result.whole:.2f} %",
                "dropped as boilerplate": f"{dropped} ({', '.join(f'{k} {v}' for k, v in result.dropped.items()) or 'none'})",
                "seconds": round(result.seconds, 2),
            },
        )
        for note in (*result.notes, *result.lacks()):
            say(f"note: {note}")
        _tell_profile(place)
        _report_worst(result.worst, settings.warn_words, settings.warn_sentences)
    _report_failures(result.failed)
    return 1 if result.failed else 0


def _report_worst(worst: Sequence[tuple[str, float, float]], words: float, sentences: float) -> None:
    """The documents of which a second reader finds too much that no chunk holds."""
    if not worst:
        return
    rows = [(source, f"{100 * held:.1f} %", f"{100 * whole:.1f} %") for source, held, whole in worst]
    table(
        f"Read badly (under {100 * words:.0f} % of words or {100 * sentences:.0f} % of whole sentences)",
        ("document", "words", "sentences"),
        rows,
    )
    say(f"See what is lost: synth chunk --corpus DIR --show '{worst[0][0]}'")


def _show_document(place: RunDir, corpus: Path, wanted: str) -> None:
    """Write a document's facing pages under the run, print where, and open them for a person at a terminal."""
    import sys
    import webbrowser

    from triplette.hashing import hash_text
    from triplette.synth.chunk import load_chunks
    from triplette.synth.facing import show_document

    out = place.path(f"show/{hash_text(wanted)[:12]}.html")
    out.parent.mkdir(parents=True, exist_ok=True)
    say(str(show_document(corpus, wanted, load_chunks(place), out)))
    if sys.stdout.isatty():
        webbrowser.open(out.resolve().as_uri())


@app.command()
def write(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    harvest: HarvestOption = None,
    llm: LlmOption = None,
    base_url: UrlOption = None,
    prices: PricesOption = None,
    budget: BudgetOption = None,
    dry_run: DryRunOption = False,
    json_output: JsonOption = False,
) -> None:
    """Write questions over the chunks: built-in rules, or an LLM with --llm.

    Example: synth write --llm openai:gpt-4.1-mini --budget 5.00
    """
    from triplette.profile import keep_profile
    from triplette.synth.write import write_questions

    settings, llm_settings = _write_settings(config, llm, base_url, prices, harvest)
    place = open_run(run)
    profile = _profile(config)
    if profile:
        keep_profile(place, profile)
    if dry_run:
        _quote(place, settings, llm_settings, json_output)
        return
    summary = write_questions(place, settings, llm_settings, budget=budget)
    if json_output:
        print_json({name: getattr(summary, name) for name in type(summary).__slots__})
        return
    title = f"Questions by {summary.writer}" + (" (unchanged)" if summary.unchanged else "")
    table(title, ("kind", "questions"), [*summary.kinds.items(), ("all", summary.questions)])
    if summary.rejected:
        table("Not kept (rejected.parquet)", ("reason", "rows"), list(summary.rejected.items()))
    counted = ", ".join(f"{n} {name} tokens" for name, n in summary.tokens.items())
    say(f"{summary.seconds:.1f} s, {summary.cost:.4f} USD" + (f", {counted}" if counted else ""))
    for note in summary.notes:
        say(note)


@app.command("import")
def import_(
    questions: Annotated[Path, typer.Argument(help="JSONL: question + chunk_id, or + source and article, page or text.")],
    chunks: Annotated[Path | None, typer.Option("--chunks", help="JSONL of the chunks they were written over.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Drop the questions that are there instead of adding to them.")] = False,
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> int:
    """Bring in questions written elsewhere.

    Example: synth import questions.jsonl --chunks chunks.jsonl --run other-run
    """
    from triplette.synth.importing import import_questions

    place = open_run(run)
    result = import_questions(place, questions, chunks, _profile(config), replace=replace)
    if json_output:
        print_json({name: getattr(result, name) for name in type(result).__slots__})
    else:
        summarise(
            "Imported",
            {
                "lines": result.lines,
                "questions": result.questions,
                "of them new": result.added,
                "chunks": result.chunks,
                **{f"rejected: {reason}": n for reason, n in result.rejected.items()},
                "seconds": round(result.seconds, 2),
            },
        )
        for note in result.notes:
            say(f"note: {note}")
        say(f"Next: {place.command('synth mine')}")
    return 1 if result.rejected.get("unmatched") else 0


@app.command()
def mine(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    encoder: EncoderOption = None,
    negatives: NegativesOption = None,
    json_output: JsonOption = False,
) -> None:
    """Mine hard negatives with BM25 and FAISS.

    Example: synth mine --encoder intfloat/multilingual-e5-small --negatives 3
    """
    from dataclasses import asdict

    from triplette.synth.mining.mine import mine_negatives

    result = mine_negatives(open_run(run), _mine_settings(config, encoder, negatives))
    if json_output:
        print_json(asdict(result))
        return
    summarise("Triplets" + (" (unchanged)" if result.unchanged else ""), result.facts())
    for note in result.notes:
        say(note)


@app.command()
def show(
    run: RunOption = DEFAULT_RUN,
    count: Annotated[int, typer.Option("--count", "-n", help="How many.", min=1)] = 5,
    seed: Annotated[int | None, typer.Option("--seed", help="Pick at random with this seed; else the first ones.")] = None,
    containing: Annotated[str, typer.Option("--containing", help="Only questions with this text (accents ignored).")] = "",
    kind: Annotated[str, typer.Option("--kind", help="Only this kind, such as procedural.")] = "",
    source: Annotated[str, typer.Option("--source", help="Only documents whose name has this.")] = "",
    triplet_id: Annotated[str, typer.Option("--id", help="Only the triplet or question with this id.")] = "",
    full: Annotated[bool, typer.Option("--full", help="Whole passages instead of excerpts.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Browse triplets with their negatives and why each was kept.

    Example: synth show --containing roque -n 3 --full
    """
    from triplette.synth.show import render, select_triplets

    views = select_triplets(
        open_run(run),
        count=count,
        seed=seed,
        containing=containing,
        kind=kind,
        source=source,
        triplet_id=triplet_id,
    )
    if json_output:
        print_json(views)
    else:
        render(views, full=full)


@app.command()
def init(
    path: Annotated[
        Path | None, typer.Argument(help="Where to write it (default triplette.toml, with --profile profile.toml).")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option("--profile", help="Write a profile to edit instead, a copy of this one: a profile's name, such as fr, or a file."),
    ] = None,
    llm: Annotated[
        str | None, typer.Option("--llm", help="Let an LLM draft its personas and kinds from the run's chunks, as openai:MODEL.")
    ] = None,
    base_url: UrlOption = None,
    prices: PricesOption = None,
    budget: BudgetOption = None,
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write a draft without asking.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> int:
    """Write a commented triplette.toml with every setting and its default, or a profile to edit.

    Example: synth init --profile fr library.toml
    """
    from triplette.errors import InputError
    from triplette.settings.base import template
    from triplette.settings.catalogue import SECTIONS
    from triplette.tables import write_text

    if profile is not None or llm is not None:
        return _init_profile(path or Path("profile.toml"), profile, llm, base_url, prices, budget, run, config, yes=yes, force=force)
    path = path or Path("triplette.toml")
    if path.exists() and not force:
        raise InputError("is there already", where=str(path), cure="give another path, or --force to replace it")
    write_text(path, template(SECTIONS))
    say(f"wrote {path}")
    return 0


def _init_profile(
    path: Path, name: str | None, llm: str | None, base_url: str | None, prices: Path | None, budget: float | None, run: Path,
    config: Path | None, *, yes: bool, force: bool,
) -> int:  # fmt: skip
    from triplette.errors import InputError
    from triplette.profile import load_profile, run_profile
    from triplette.synth.profile_draft import draft_profile, write_profile

    if path.exists() and not force:
        raise InputError("is there already", where=str(path), cure="give another path, or --force to replace it")
    place = open_run(run)
    made = load_profile(name) if name else run_profile(place)
    if llm is not None:
        _, llm_settings = _write_settings(config, llm, base_url, prices)
        draft = draft_profile(place, made, llm_settings, budget=budget)
        made = draft.profile
        say(f"{made.about}\n")
        table("Who asks", ("persona", "who"), [(persona.name, persona.who) for persona in made.personas])
        table("Kinds of question", ("kind", "asks"), [(kind.name, kind.asks) for kind in made.kinds])
        say(f"drafted from {draft.passages} passages, {draft.cost:.4f} USD")
        if not yes and not typer.confirm(f"Write this to {path}?", default=False, err=True):
            say("nothing was written")
            return 1
    write_profile(path, made, force=force)
    say(f'wrote {path}; name it in triplette.toml: profile = "{path}"')
    return 0


def _found_beside(corpus: Path, config: Path | None) -> Path | None:
    """The settings file: the one given, else ./triplette.toml, else the one in the corpus's own folder, which is then told."""
    from triplette.settings.base import FILE_NAME

    beside = corpus / FILE_NAME
    if config is not None or Path(FILE_NAME).exists() or not beside.is_file():
        return config
    say(f"settings: {beside}")
    return beside


def _profile(config: Path | None) -> Any:
    from triplette.profile import settings_profile

    return settings_profile(config)


def _tell_profile(place: Any) -> None:
    from triplette.profile import run_profile

    profile = run_profile(place)
    say(f"Profile {profile.name}: asked by {', '.join(profile.persona_names)}. `synth init --profile NAME` writes one of your own.")


def _chunk_settings(config: Path | None, **overrides: Any) -> Any:
    from triplette.settings.load import load_section
    from triplette.settings.synth import ChunkSettings

    given = {name: value for name, value in overrides.items() if value is not None and value != []}
    return load_section(ChunkSettings, "synth.chunk", config, **given)


def _write_settings(
    config: Path | None, llm: str | None, base_url: str | None, prices: Path | None, harvest: str | None = None
) -> tuple[Any, Any]:
    from triplette.settings.load import load_llm, load_section
    from triplette.settings.write import WriteSettings

    writer = "llm" if llm or base_url else None
    return (
        load_section(WriteSettings, "synth.write", config, writer=writer, harvest=harvest),
        load_llm("synth.llm", config, llm, base_url, prices),
    )


def _mine_settings(config: Path | None, encoder: str | None, negatives: int | None) -> Any:
    from triplette.settings.load import load_section
    from triplette.settings.mine import MineSettings

    return load_section(MineSettings, "synth.mine", config, encoder=encoder, negatives=negatives)


def _quote(place: Any, settings: Any, llm_settings: Any, json_output: bool) -> None:
    from triplette.synth.chunk import load_chunks

    chunks = load_chunks(place)
    if settings.writer == "rules":
        say(f"The built-in rules write over {len(chunks)} chunks: no call, no cost, a few seconds.")
        return
    from triplette.profile import run_profile
    from triplette.synth.llm_writer import quote

    quoted = quote(place, chunks, llm_settings, settings, run_profile(place))
    if json_output:
        print_json({name: getattr(quoted, name) for name in type(quoted).__slots__})
    else:
        summarise("Quote: nothing was spent", quoted.facts())


def _report_failures(failed: tuple[str, ...]) -> None:
    for line in failed:
        say(f"could not read {line}")


def main() -> None:
    """Entry point of ``synth``."""
    run_app(app, "synth")


if __name__ == "__main__":
    main()
