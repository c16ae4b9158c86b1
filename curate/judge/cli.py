"""``curate judge`` and ``curate dedup``: they parse, call one function each, and print. ``curate.cli`` takes them in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from triplette.console import DEFAULT_RUN, ConfigOption, JsonOption, RunOption, new_app, open_run, print_json, say, summarise, table

app = new_app("Judge triplets, and find the questions that repeat each other.")


@app.command()
def judge(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    judge: Annotated[str | None, typer.Option("--judge", help="'rules' (built in, offline; default) or 'llm'.")] = None,
    llm: Annotated[
        str | None, typer.Option("--llm", help="Judge with an LLM, as openai:MODEL; the key comes from the environment.")
    ] = None,
    base_url: Annotated[str | None, typer.Option("--base-url", help="Any OpenAI-compatible endpoint instead of OpenAI's.")] = None,
    votes: Annotated[int | None, typer.Option("--votes", help="Readings of each row by the LLM; all must agree (default 1).")] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", help="Stop, resumable, before spending more than this (US dollars).", min=0)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Quote calls, tokens, cost and time; spend nothing.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Judge every triplet and every negative: by rules, or also by an LLM whose evidence is checked.

    Example: curate judge --judge llm --llm openai:gpt-4.1-mini --budget 5.00
    """
    from triplette.curate.judge.judge import judge as judge_run
    from triplette.curate.judge.judge import quote

    settings, llm_settings = _judge_settings(config, judge, llm, base_url, votes)
    place = open_run(run)
    if dry_run:
        quoted = quote(place, settings, llm_settings)
        if quoted is None:
            say("The rules judge offline: no call, no cost.")
        elif json_output:
            print_json({name: getattr(quoted, name) for name in type(quoted).__slots__})
        else:
            summarise("Quote: nothing was spent", quoted.facts())
        return
    result = judge_run(place, settings, llm_settings, budget=budget)
    if json_output:
        print_json(result.as_json())
        return
    table("Judged" + (" (unchanged: same inputs, settings and code)" if result.unchanged else ""), ("", "count"), result.rows())
    if result.reasons:
        table("Why triplets were not kept", ("reason", "rows"), list(result.reasons.items()))
    for note in result.notes():
        say(note)
    say(f"{result.seconds:.1f} s. Next: curate dedup{_where(run)}")


@app.command()
def dedup(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    encoder: Annotated[
        str | None, typer.Option("--encoder", help="'lsa' (built in), 'none', or a sentence-transformers model (models extra).")
    ] = None,
    clusters: Annotated[int, typer.Option("--clusters", help="How many of the largest clusters to show.", min=0)] = 10,
    json_output: JsonOption = False,
) -> None:
    """One question once: find duplicates and near-duplicates, keep the best-judged, merge or reject what several passages answer.

    Example: curate dedup --clusters 30
    """
    from triplette.curate.same.dedup import dedup as dedup_run
    from triplette.settings.base import load_section
    from triplette.settings.dedup import DedupSettings

    settings = load_section(DedupSettings, "curate.dedup", config, encoder=encoder)
    result = dedup_run(open_run(run), settings)
    if json_output:
        print_json(result.as_json())
        return
    table("Compared" + (" (unchanged: same inputs, settings and code)" if result.unchanged else ""), ("", "count"), result.rows())
    if clusters and result.largest:
        table(
            "The largest clusters",
            ("question that survives or stands for it", "rows", "passages", "outcome"),
            result.cluster_rows(clusters),
        )
    say(f"{result.seconds:.1f} s. Next: curate build{_where(run)}, then curate validate{_where(run)}")


def _judge_settings(
    config: Path | None, judge: str | None, llm: str | None, base_url: str | None, votes: int | None
) -> tuple[Any, Any]:
    from triplette.settings.base import load_section
    from triplette.settings.judge import JudgeSettings
    from triplette.settings.llm import LlmSettings

    chosen = judge or ("llm" if llm or base_url else None)
    return (
        load_section(JudgeSettings, "curate.judge", config, judge=chosen, votes=votes),
        load_section(LlmSettings, "curate.llm", config, model=llm, base_url=base_url),
    )


def _where(run: Path) -> str:
    return "" if run == DEFAULT_RUN else f" --run {run}"
