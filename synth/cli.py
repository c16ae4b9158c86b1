"""The ``synth`` command: documents to triplets. It parses, calls one function a command, and prints."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from triplette.engine_options import EngineOption, RayOption, engine_of
from triplette.errors import SettingError
from triplette.llm.options import BatchOption, BudgetOption, DryRunOption, PricesOption, UrlOption
from triplette.rundir import DEFAULT_RUN
from triplette.synth.init import init
from triplette.synth.options import (
    CorpusOption,
    EncoderOption,
    ExcludeOption,
    HarvestOption,
    IncludeOption,
    LanguageOption,
    LinksOption,
    LlmOption,
    NegativesOption,
    OverlapOption,
    ReaderOption,
    TokenizerOption,
    TokensOption,
    chunk_settings,
    config_beside,
    mine_settings,
    profile_of,
    write_settings,
)

if TYPE_CHECKING:
    from triplette.rundir import RunDir
    from triplette.settings.llm import LlmSettings
    from triplette.settings.write import WriteSettings
    from triplette.synth.generate import GenerateResult

app = with_version(new_app("Documents -> chunks -> questions -> triplets with hard negatives.", completion=True))


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
    batch: BatchOption = None,
    dry_run: DryRunOption = False,
    encoder: EncoderOption = None,
    negatives: NegativesOption = None,
    engine: EngineOption = None,
    ray_address: RayOption = None,
    json_output: JsonOption = False,
) -> int:
    """Chunk, write and mine in one go.

    Example: synth generate --corpus fr_rules/
    """
    from triplette.synth.generate import generate as run_all

    config = config_beside(corpus, config)
    chunking = chunk_settings(config, target_tokens, overlap_tokens, tokenizer, language, include, exclude, follow_links, reader)
    writing, model = write_settings(config, llm, base_url, prices, harvest, batch)
    mining = mine_settings(config, encoder, negatives)
    profile = profile_of(config)
    spread = engine_of(engine, ray_address, calls="" if writing.writer == "rules" else "the writer's calls")
    place = open_run(run)
    if dry_run:
        from triplette.synth.chunk import chunk_corpus

        chunked = chunk_corpus(place, corpus, chunking, profile, engine=spread)
        _quote(place, writing, model, json_output)
        return 1 if chunked.failed else 0
    result = run_all(place, corpus, chunking, writing, model, mining, profile=profile, budget=budget, engine=spread)
    if json_output:
        print_json(result.as_json())
    else:
        _tell_generated(place, result)
    _report_failures(result.chunked.failed)
    return 1 if result.chunked.failed else 0


def _tell_generated(place: RunDir, result: GenerateResult) -> None:
    from triplette.synth.show import render, select_triplets

    table("What was made", ("", "count"), result.rows())
    if result.reject_rows():
        table("What fell out (rejected.parquet keeps every row)", ("step", "reason", "rows"), result.reject_rows())
    say("Three of the triplets:\n")
    render(select_triplets(place, count=3, seed=0))
    for note in result.notes():
        say(place.in_commands(note))
    _tell_profile(place)
    say(f"\nNext: {place.command('synth show')} to browse them, {place.command('curate judge')} to filter them.")


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
    engine: EngineOption = None,
    ray_address: RayOption = None,
    json_output: JsonOption = False,
) -> int:
    """Read documents (md, txt, pdf, html, docx, odt, rtf, epub, pptx, xlsx, docling's json) and cut them into chunks.

    Example: synth chunk --corpus fr_rules/ --target-tokens 450 --overlap-tokens 50
    """
    from triplette.synth.chunk import chunk_corpus

    config = config_beside(corpus, config)
    settings = chunk_settings(config, target_tokens, overlap_tokens, tokenizer, language, include, exclude, follow_links, reader)
    place = open_run(run)
    result = chunk_corpus(place, corpus, settings, profile_of(config), engine=engine_of(engine, ray_address))
    if show_file is not None:
        _show_document(place, corpus, show_file)
    elif json_output:
        print_json({name: getattr(result, name) for name in type(result).__slots__} | {"lacks": result.lacks()})
    else:
        summarise("Chunks" + (" (unchanged: same documents, settings and code)" if result.unchanged else ""), result.facts())
        for note in (*result.notes, *result.lacks()):
            say(place.in_commands(f"note: {note}"))
        _tell_profile(place)
        _report_worst(place, corpus, result.worst, settings.warn_words, settings.warn_sentences)
    _report_failures(result.failed)
    return 1 if result.failed else 0


def _report_worst(place: RunDir, corpus: Path, worst: Sequence[tuple[str, float, float]], words: float, sentences: float) -> None:
    """The documents of which a second reader finds too much that no chunk holds."""
    if not worst:
        return
    rows = [(source, f"{100 * held:.1f} %", f"{100 * whole:.1f} %") for source, held, whole in worst]
    table(
        f"Read badly (under {100 * words:.0f} % of words or {100 * sentences:.0f} % of whole sentences)",
        ("document", "words", "sentences"),
        rows,
    )
    show = f"synth chunk --corpus {shlex.quote(str(corpus))} --show {shlex.quote(worst[0][0])}"
    say(f"See what is lost: {place.command(show)}")


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
    batch: BatchOption = None,
    dry_run: DryRunOption = False,
    engine: EngineOption = None,
    ray_address: RayOption = None,
    json_output: JsonOption = False,
) -> None:
    """Write questions over the chunks: built-in rules, or an LLM with --llm.

    Example: synth write --llm openai:gpt-4.1-mini --budget 5.00
    """
    from triplette.profile import keep_profile
    from triplette.synth.write import write_questions

    settings, model = write_settings(config, llm, base_url, prices, harvest, batch)
    spread = engine_of(engine, ray_address)
    if spread.spread and settings.writer != "rules":
        raise SettingError(
            "a language model's calls are waited for, not computed: there is nothing to spread", where="--engine", cure="leave it out"
        )
    place = open_run(run)
    profile = profile_of(config)
    if profile:
        keep_profile(place, profile)
    if dry_run:
        _quote(place, settings, model, json_output)
        return
    summary = write_questions(place, settings, model, budget=budget, engine=spread)
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
        say(place.in_commands(note))


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
    result = import_questions(place, questions, chunks, profile_of(config), replace=replace)
    if json_output:
        print_json({name: getattr(result, name) for name in type(result).__slots__})
    else:
        summarise("Imported", result.facts())
        for note in result.notes:
            say(place.in_commands(f"note: {note}"))
        say(f"Next: {place.command('synth mine')}")
    return 1 if result.rejected.get("unmatched") else 0


@app.command()
def mine(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    encoder: EncoderOption = None,
    negatives: NegativesOption = None,
    engine: EngineOption = None,
    ray_address: RayOption = None,
    json_output: JsonOption = False,
) -> None:
    """Mine hard negatives with BM25 and FAISS.

    Example: synth mine --encoder intfloat/multilingual-e5-small --negatives 3
    """
    from dataclasses import asdict

    from triplette.synth.mining.mine import mine_negatives

    place = open_run(run)
    result = mine_negatives(place, mine_settings(config, encoder, negatives), engine=engine_of(engine, ray_address))
    if json_output:
        print_json(asdict(result))
        return
    summarise("Triplets" + (" (unchanged)" if result.unchanged else ""), result.facts())
    for note in result.notes:
        say(place.in_commands(note))


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


app.command()(init)


def _tell_profile(place: RunDir) -> None:
    from triplette.profile import run_profile

    profile = run_profile(place)
    say(f"Profile {profile.name}: asked by {', '.join(profile.persona_names)}. `synth init --profile NAME` writes one of your own.")


def _quote(place: RunDir, settings: WriteSettings, model: LlmSettings, json_output: bool) -> None:
    from triplette.synth.chunk import load_chunks

    chunks = load_chunks(place)
    if settings.writer == "rules":
        say(f"The built-in rules write over {len(chunks)} chunks: no call, no cost, a few seconds.")
        return
    from triplette.profile import run_profile
    from triplette.synth.llm_writer import quote

    quoted = quote(place, chunks, model, settings, run_profile(place))
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
