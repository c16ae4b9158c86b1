"""The ``curate`` command: triplets to a dataset that may train. It parses, calls one function a command, and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
from triplette.curate.review.cli import app as review_app
from triplette.engine_options import EngineOption, RayOption, engine_of
from triplette.llm.options import BatchOption, BudgetOption, DryRunOption, PricesOption, UrlOption
from triplette.rundir import DEFAULT_RUN, HARVEST_GOLD

app = with_version(new_app("Triplets -> judged, deduplicated, validated, reviewed -> dataset.", completion=True))
app.add_typer(review_app, name="review")

GoldOption = Annotated[
    Path | None,
    typer.Option("--gold", help="JSONL of questions by people: they measure, never train (default: the last build's).", metavar="FILE"),
]


@app.command()
def judge(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    judge: Annotated[str | None, typer.Option("--judge", help="'rules' (built in, offline; default) or 'llm'.")] = None,
    llm: Annotated[
        str | None, typer.Option("--llm", help="Judge with an LLM, as openai:MODEL; the key comes from the environment.")
    ] = None,
    base_url: UrlOption = None,
    prices: PricesOption = None,
    votes: Annotated[int | None, typer.Option("--votes", help="Readings of each row by the LLM; all must agree (default 1).")] = None,
    budget: BudgetOption = None,
    batch: BatchOption = None,
    dry_run: DryRunOption = False,
    engine: EngineOption = None,
    ray_address: RayOption = None,
    json_output: JsonOption = False,
) -> None:
    """Judge every triplet and every negative: by rules, or also by an LLM whose evidence is checked.

    Example: curate judge --judge llm --llm openai:gpt-4.1-mini --budget 5.00
    """
    from triplette.curate.judge.judge import judge as judge_run
    from triplette.curate.judge.judge import quote

    settings, llm_settings = _judge_settings(config, judge, llm, base_url, prices, votes, batch)
    spread = engine_of(engine, ray_address, calls="" if settings.judge == "rules" else "the judge's calls")
    place = open_run(run)
    if dry_run:
        quoted = quote(place, settings, llm_settings, engine=spread)
        if quoted is None:
            say("The rules judge offline: no call, no cost.")
        elif json_output:
            print_json({name: getattr(quoted, name) for name in type(quoted).__slots__})
        else:
            summarise("Quote: nothing was spent", quoted.facts())
        return
    result = judge_run(place, settings, llm_settings, budget=budget, engine=spread)
    if json_output:
        print_json(result.as_json())
        return
    table("Judged" + (" (unchanged: same inputs, settings and code)" if result.unchanged else ""), ("", "count"), result.rows())
    if result.reasons:
        table("Why triplets were not kept", ("reason", "rows"), list(result.reasons.items()))
    for note in result.notes():
        say(place.in_commands(note))
    say(f"{result.seconds:.1f} s. Next: {place.command('curate dedup')}")


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
    from triplette.settings.dedup import DedupSettings
    from triplette.settings.load import load_section

    settings = load_section(DedupSettings, "curate.dedup", config, encoder=encoder)
    place = open_run(run)
    result = dedup_run(place, settings)
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
    say(f"{result.seconds:.1f} s. Next: {place.build_command()}, then {place.command('curate validate')}")


@app.command()
def build(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    gold: GoldOption = None,
    no_gold: Annotated[bool, typer.Option("--no-gold", help="Do not use the last build's gold file again.")] = False,
    drop_touching: Annotated[
        bool, typer.Option("--drop-touching", help="Take train rows that touch gold out, recorded as rejected, instead of refusing.")
    ] = False,
    gold_chunks: Annotated[
        str | None, typer.Option("--gold-chunks", help="'shared' (default) or 'held-out': no passage with a gold question trains.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Which components go to which split.", min=0)] = None,
    push_to_hub: Annotated[
        str, typer.Option("--push-to-hub", help="Then upload to this dataset repository (owner/name); the token comes from HF_TOKEN.")
    ] = "",
    public: Annotated[bool, typer.Option("--public", help="With --push-to-hub: create it public instead of private.")] = False,
    json_output: JsonOption = False,
) -> int:
    """Accepted triplets and gold questions -> train, val, test, data card and exports.

    Example: curate build --gold gold/fr_rules.jsonl
    """
    from triplette.curate.dataset.build import build as build_dataset
    from triplette.curate.dataset.build import last_gold
    from triplette.curate.dataset.composition import gates, summary_rows
    from triplette.curate.dataset.exports import hub_token
    from triplette.curate.dataset.exports import push_to_hub as push
    from triplette.curate.quota import read_quota
    from triplette.settings.build import BuildSettings
    from triplette.settings.load import load_section
    from triplette.settings.validate import ValidateSettings

    if push_to_hub:
        hub_token()  # before any work: a missing token must not be found out at the end
    settings = load_section(BuildSettings, "curate.build", config, gold_chunks=gold_chunks, seed=seed)
    wanted = load_section(ValidateSettings, "curate.validate", config)
    place = open_run(run)
    again = last_gold(place)[0] if gold is None and not no_gold else None
    result = build_dataset(place, settings, gold=gold, no_gold=no_gold, drop_touching=drop_touching)
    lines = gates(result.composition, read_quota(place, wanted.review_quota), wanted)
    if json_output:
        content = {name: getattr(result, name) for name in type(result).__slots__}
        print_json({**content, "gates": [{name: getattr(line, name) for name in type(line).__slots__} for line in lines]})
    else:
        rows = summary_rows(result.composition)
        table("Dataset" + (" (unchanged: same inputs, settings and code)" if result.unchanged else ""), ("", ""), rows)
        if result.rejected:
            table("What fell out (rejected.parquet keeps every row)", ("step: reason", "rows"), list(result.rejected.items()))
        shown = {True: "met", False: "NOT MET", None: "nothing to check"}
        head = ("gate", "severity", "wanted", "observed", "")
        table("Gates", head, [(line.name, line.severity, line.wanted, line.observed, shown[line.met]) for line in lines])
        if result.gold_lost:
            say(f"{result.gold_lost} gold questions point at no chunk of this run: see rejected.parquet, step curate.build")
        if gold is None and again is None and not no_gold and place.has(HARVEST_GOLD):
            say(f"No gold was given; the documents' own questions are some: {place.build_command()}")
        if again is not None:
            say(f"gold as in the last build: {again} (--no-gold leaves it out)")
        say(f"{result.seconds:.1f} s. Data card: {place.path('dataset/README.md')}")
        say(f"Next: {place.command('curate validate')}")
    if push_to_hub:
        say(f"uploaded to {push(place, push_to_hub, public=public)}")
    return 1 if result.gold_lost else 0


@app.command()
def validate(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    fix: Annotated[bool, typer.Option("--fix", help="Quarantine the failing rows, build again and validate again.")] = False,
    quota: Annotated[
        float | None, typer.Option("--quota", help="Share of every kind that people must have reviewed (default 0.1).")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="List the expectations that were met too.")] = False,
    json_output: JsonOption = False,
) -> int:
    """Run the Great Expectations suites on the run; exit 0 passed, 1 an expectation failed, 2 could not run.

    Example: curate validate --fix
    """
    from triplette.curate.validation.validate import validate as validate_run
    from triplette.settings.load import load_section
    from triplette.settings.validate import ValidateSettings

    settings = load_section(ValidateSettings, "curate.validate", config, review_quota=quota)
    place = open_run(run)
    result = validate_run(place, settings, fix=fix)
    if json_output:
        print_json(result.as_json())
    else:
        _show_validation(result, everything=everything)
        say(f"{result.seconds:.1f} s. Every result: {place.path('validation/result.json')}")
        say(f"Data Docs: {place.path('validation/data_docs/index.html')}")
        for blocker in result.blockers:
            say(f"gate: {blocker.reason}\n  help: {blocker.cure}")
    return 0 if result.passed else 1


def _show_validation(result: Any, *, everything: bool) -> None:
    table("Expectations", ("suite", "met", "critical failed", "others failed"), result.suite_rows())
    shown = [item for item in result.expectations if everything or not item["success"]]
    if shown:
        table(
            "All of them" if everything else "Not met",
            ("expectation", "", "observed", "rows", "what is expected"),
            [
                (item["name"], "met" if item["success"] else item["severity"], item["shown"], item["failing"] or "", item["about"])
                for item in shown
            ],
        )
    for name, documents in result.poor_documents():
        say(f"{name}: {documents}")
    if result.fixed:
        summarise("--fix", result.fixed)


@app.command()
def calibrate(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels", help="JSONL of {triplet_id, label: keep|reject, reviewer}; else the review's verdicts.", metavar="FILE"
        ),
    ] = None,
    precision: Annotated[float | None, typer.Option("--precision", help="Wanted share of good rows among the kept ones.")] = None,
    json_output: JsonOption = False,
) -> None:
    """How far the judge agrees with people, and the threshold that reaches a wanted precision.

    Example: curate calibrate --precision 0.9
    """
    from triplette.curate.tell.calibrate import calibrate as calibrate_judge
    from triplette.settings.calibrate import CalibrateSettings
    from triplette.settings.load import load_section

    settings = load_section(CalibrateSettings, "curate.calibrate", config, precision=precision)
    place = open_run(run)
    result = calibrate_judge(place, settings, labels)
    if json_output:
        print_json(result.as_json())
        return
    for title, head, rows in result.tables():
        table(title, head, rows)
    for line in result.advice():
        say(place.in_commands(line))


@app.command()
def explain(
    subject: Annotated[str, typer.Argument(help="Id of a triplet, question or chunk, or words of the question.")],
    run: RunOption = DEFAULT_RUN,
    json_output: JsonOption = False,
) -> None:
    """The whole life of a row: where it comes from, who said what, where it went.

    Example: curate explain "roque"
    """
    from triplette.curate.tell.explain import explain as explain_row
    from triplette.curate.tell.explain import render

    story = explain_row(open_run(run), subject)
    if json_output:
        print_json(story)
    else:
        render(story)


@app.command()
def status(run: RunOption = DEFAULT_RUN, config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """The funnel with counts per stage and reason, and what still blocks the gate.

    Example: curate status
    """
    from triplette.curate.tell.status import read_status

    place = open_run(run)
    state = read_status(place, config)
    if json_output:
        print_json(state.as_json())
        return
    table("Funnel", ("stage", "in", "out", "fell out"), state.funnel_rows())
    if state.reason_rows():
        table("What fell out, and why", ("step", "reason", "rows"), state.reason_rows())
    if state.review_rows():
        table("Review quota", ("kind", "rows", "required", "reviewed", "missing"), state.review_rows())
    for line in state.gate_lines():
        say(place.in_commands(line))


@app.command()
def report(
    run: RunOption = DEFAULT_RUN,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write it (default: RUN/report.html).")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Which kept and rejected examples are shown.", min=0)] = 0,
) -> None:
    """One self-contained HTML page: funnel, scores, negatives, kinds, clusters, examples.

    Example: curate report -o report.html
    """
    from triplette.curate.tell.report import write_report

    say(f"wrote {write_report(open_run(run), output, seed=seed)}")


def _judge_settings(
    config: Path | None,
    judge: str | None,
    llm: str | None,
    base_url: str | None,
    prices: Path | None,
    votes: int | None,
    batch: bool | None = None,
) -> tuple[Any, Any]:
    from triplette.settings.judge import JudgeSettings
    from triplette.settings.load import load_llm, load_section, refuse_without_model

    chosen = judge or ("llm" if llm is not None or base_url else None)
    settings = load_section(JudgeSettings, "curate.judge", config, judge=chosen, votes=votes)
    if settings.judge == "rules":
        refuse_without_model(llm=llm, base_url=base_url, prices=prices, batch=batch)
    return settings, load_llm("curate.llm", config, llm, base_url, prices, batch)


def main() -> None:
    """Entry point of ``curate``."""
    run_app(app, "curate")


if __name__ == "__main__":
    main()
