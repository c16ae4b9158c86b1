"""``curate review``: people's part. It parses, calls one function a command, and prints."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from triplette.console import ConfigOption, JsonOption, RunOption, new_app, open_run, print_json, say, summarise, table
from triplette.rundir import DEFAULT_RUN, RunDir

app = new_app("Put rows in front of people, in Argilla, Label Studio or a spreadsheet, and bring their decisions back.")

UrlOption = Annotated[
    str | None, typer.Option("--api-url", help="An Argilla of your own (key in ARGILLA_API_KEY); default: the one of `serve`.")
]
WorkspaceOption = Annotated[str | None, typer.Option("--workspace", help="Argilla workspace (default review).")]
DatasetOption = Annotated[str | None, typer.Option("--dataset", help="Argilla dataset (default triplets).")]
AllOption = Annotated[bool, typer.Option("--all", help="Every triplet that can be shown, not only quota and doubtful rows.")]
OverlapOption = Annotated[
    float | None, typer.Option("--overlap", help="Share of rows that several people review (default 0.1).", min=0, max=1)
]
QuotaOption = Annotated[
    float | None, typer.Option("--quota", help="Share of every kind to review (default: the gate's, 0.1).", min=0, max=1)
]


@app.command()
def push(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    api_url: UrlOption = None,
    workspace: WorkspaceOption = None,
    dataset: DatasetOption = None,
    everything: AllOption = False,
    overlap: OverlapOption = None,
    quota: QuotaOption = None,
    prune: Annotated[bool, typer.Option("--prune", help="Remove rows nobody answered whose triplet is no longer in the run.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Send the queue to Argilla; what already exists is not sent again.

    Example: curate review push --overlap 0.2
    """
    from triplette.curate.review.argilla_desk import open_desk
    from triplette.curate.review.push import push as push_rows

    settings = _settings(config, api_url=api_url, workspace=workspace, dataset=dataset, overlap_share=overlap)
    place = open_run(run)
    with open_desk(place, settings) as desk:
        result = push_rows(place, desk, settings, *_judging(config, quota), everything=everything, prune=prune)
    _show_push(result, place, json_output)
    if not json_output:
        say(f"Review at {result.pushed.where}, then: {place.command('curate review pull')}")


@app.command()
def pull(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    api_url: UrlOption = None,
    workspace: WorkspaceOption = None,
    dataset: DatasetOption = None,
    json_output: JsonOption = False,
) -> None:
    """Bring people's answers back as verdicts; run it as often as you like.

    Example: curate review pull
    """
    from triplette.curate.review.argilla_desk import open_desk
    from triplette.curate.review.pull import pull as pull_answers

    settings = _settings(config, api_url=api_url, workspace=workspace, dataset=dataset)
    place = open_run(run)
    with open_desk(place, settings) as desk:
        result = pull_answers(place, desk)
    _show_pull(result, place, json_output)


@app.command()
def status(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    api_url: UrlOption = None,
    workspace: WorkspaceOption = None,
    dataset: DatasetOption = None,
    quota: QuotaOption = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no server: only what was pulled.")] = False,
    json_output: JsonOption = False,
) -> None:
    """What waits, what came in, and what the gate still needs.

    Example: curate review status
    """
    from triplette.curate.review.argilla_desk import open_desk
    from triplette.curate.review.serve.home import Home
    from triplette.curate.review.status import read_status

    settings = _settings(config, api_url=api_url, workspace=workspace, dataset=dataset)
    place = open_run(run)
    if not (offline or settings.api_url or Home.of(place).running()):
        say("no review server runs here: this is what was pulled")
        offline = True
    with nullcontext() if offline else open_desk(place, settings) as desk:
        state = read_status(place, desk, _judging(config, quota)[1])
    if json_output:
        print_json(state.as_json())
        return
    if state.server is not None:
        facts = {name: state.server[name] for name in ("records", "pending", "completed", "submitted", "discarded", "draft")}
        summarise("On the server", {**facts, "stale (triplet changed)": state.server_stale})
    summarise("In the run", {"answers": state.answers, "stale (triplet changed)": state.stale, **state.reviewers})
    if state.quota is None:
        say(f"No dataset yet, so no quota: {place.command('curate build')}")
        return
    rows = [(kind, s.population, s.required, s.done, s.missing) for kind, s in state.quota.strata.items()]
    table("What the gate needs", ("kind", "rows", "required", "reviewed", "missing"), rows)
    say(f"{state.quota.missing} rows still to review" if state.quota.missing else "the review quota is filled")


@app.command()
def export(
    path: Annotated[Path, typer.Argument(help="CSV file to write; .json: tasks for Label Studio.")] = Path("review.csv"),
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    everything: AllOption = False,
    quota: QuotaOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    json_output: JsonOption = False,
) -> None:
    """The queue as a CSV for a spreadsheet, or as JSON for Label Studio: review without a server of ours.

    Example: curate review export review.csv
    """
    from triplette.curate.review.push import push as push_rows

    place = open_run(run)
    desk = _file_desk(place, path, replace=force)
    result = push_rows(place, desk, _settings(config), *_judging(config, quota), everything=everything)
    _show_push(result, place, json_output)
    if not json_output:
        say(f"{desk.next_step}, then: {place.command(f'curate review import {shlex.quote(str(desk.answered))}')}")


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="CSV that `export` wrote and people filled, or Label Studio's JSON export.")],
    run: RunOption = DEFAULT_RUN,
    reviewer: Annotated[str, typer.Option("--reviewer", help="Who answered, where the file does not say.")] = "",
    json_output: JsonOption = False,
) -> None:
    """Bring a filled CSV, or what Label Studio exported, back as verdicts.

    Example: curate review import review.csv --reviewer anne
    """
    from triplette.curate.review.pull import pull as pull_answers

    place = open_run(run)
    _show_pull(pull_answers(place, _file_desk(place, path, reviewer)), place, json_output)


@app.command()
def serve(
    run: RunOption = DEFAULT_RUN,
    config: ConfigOption = None,
    port: Annotated[int | None, typer.Option("--port", help="Loopback port (default 6900; 0: any free one).", min=0, max=65535)] = None,
    reviewer: Annotated[
        list[str] | None, typer.Option("--reviewer", help="Make an account for this person; may be given again.", metavar="NAME")
    ] = None,
) -> None:
    """Run Argilla here, with no Docker: installed on first use, then a URL and a login.

    Example: curate review serve --reviewer anne --reviewer bruno
    """
    from triplette.curate.review.serve.supervise import serve_until_stopped

    settings = _settings(config, port=port)
    serve_until_stopped(open_run(run), settings, reviewer or [])


def _file_desk(place: RunDir, path: Path, reviewer: str = "", *, replace: bool = False) -> Any:
    """The desk whose files end like ``path``."""
    from triplette.curate.review.label_studio import SUFFIX, LabelStudioDesk
    from triplette.curate.review.sheet import SheetDesk
    from triplette.profile import run_profile

    desk = LabelStudioDesk if path.suffix.lower() == SUFFIX else SheetDesk
    return desk(path, reviewer, replace, run_profile(place).review)


def _settings(config: Path | None, **overrides: Any) -> Any:
    from triplette.settings.load import load_section
    from triplette.settings.review import ReviewSettings

    return load_section(ReviewSettings, "curate.review", config, **overrides)


def _judging(config: Path | None, quota: float | None) -> tuple[Any, float]:
    """The judge's settings and the gate's quota, both of other sections."""
    from triplette.settings.judge import JudgeSettings
    from triplette.settings.load import load_section
    from triplette.settings.validate import ValidateSettings

    gate = load_section(ValidateSettings, "curate.validate", config, review_quota=quota)
    return load_section(JudgeSettings, "curate.judge", config), gate.review_quota


def _show_push(result: Any, place: RunDir, json_output: bool) -> None:
    facts = {name: getattr(result.pushed, name) for name in type(result.pushed).__slots__}
    queue = {"rows": len(result.queue.rows), "why": result.queue.why, "several reviewers": result.queue.several}
    if json_output:
        print_json({**facts, **queue, "hidden_negatives": result.queue.hidden_negatives, "seconds": result.seconds})
        return
    why = ", ".join(f"{name} {count}" for name, count in result.queue.why.items())
    summarise("Rows for review", {**queue, "why": why, **facts, "seconds": round(result.seconds, 1)})
    if result.pushed.stale - result.pushed.pruned:
        say(f"{result.pushed.stale - result.pushed.pruned} rows there are stale: their triplet is no longer in the run (--prune)")
    if not place.has("dataset/rows.parquet"):
        say(
            "no dataset is built yet, so rows for the review quota come from every accepted triplet, and those that will not be in train do "
            f"not count: after `{place.command('curate build')}` this command draws the ones that do"
        )
    if result.queue.hidden_negatives:
        say(f"{result.queue.hidden_negatives} negatives are not shown: [curate.review] shown_negatives")


def _show_pull(result: Any, place: RunDir, json_output: bool) -> None:
    from triplette.curate.review.pull import agreement_json

    facts = {name: getattr(result.merged, name) for name in type(result.merged).__slots__}
    if json_output:
        print_json({**facts, **result.skipped, "agreement": agreement_json(result.agreement), "unchanged": result.unchanged})
        return
    if result.unchanged:
        say("nothing has happened there since the last pull")
    reviewers = facts.pop("reviewers")
    facts.pop("wrote")
    summarise("Answers", {**facts, **result.skipped, **{f"by {name}": count for name, count in reviewers.items()}})
    if facts["stale"]:
        say(f"stale answers: {facts['stale']}. Their triplets have changed, so they no longer count")
    shared = result.agreement
    if shared.pairs:
        rows = [(f"{kappa.one}, {kappa.other}: Cohen's kappa", kappa.rows, str(kappa.kappa)) for kappa in shared.kappas]
        rows.append(("all: Krippendorff's alpha", shared.pairs, str(shared.alpha)))
        table("Agreement of reviewers, with 95 % interval", ("", "rows", ""), rows)
        say(f"{shared.agreed} of {shared.pairs} rows that several people saw got one verdict")
    say(f"Next: {', '.join(place.command(name) for name in ('curate dedup', 'curate build', 'curate validate'))}")
