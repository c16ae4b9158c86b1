"""What would cure an expectation that ``curate validate --fix`` cannot: it takes rows out, and some faults are not of rows."""

from __future__ import annotations

from collections.abc import Iterable

from triplette.rundir import RunDir

BY_PEOPLE = "review_quota"  # the gate says what that takes


def cures(run: RunDir, failed: Iterable[str]) -> dict[str, str]:
    """Name of each failed expectation -> the command, or the setting, that would cure it."""
    return {name: _cure(run, name) for name in failed if name != BY_PEOPLE}


def _cure(run: RunDir, name: str) -> str:
    build = f"`{run.command('curate build')}`"
    if name == "train_rows":
        return f"{_more_questions(run)}; then mine, judge, {build} again"
    if name == "test_rows":
        return f"gold questions (`{run.command('curate build --gold FILE')}`), or a larger test_share of [curate.build]"
    if name.startswith("chunk_"):
        return f"mend the document that its rows name, `{run.command('synth chunk --corpus DIR')}`, and the stages after it"
    return f"look at its rows in {run.path('validation/result.json')}, mend them where they were made, and {build} again"


def _more_questions(run: RunDir) -> str:
    """How the writer that was used last would give more rows."""
    written, imported = run.last("synth.write"), run.last("synth.import")
    entries = run.entries()
    last = entries.index(imported) > entries.index(written) if imported and written else bool(imported)
    if last:
        return f"more questions in the file of `{run.command('synth import')}`"
    if written is not None and written["settings"].get("writer") == "rules":
        return f"more documents, or a writer that asks more: `{run.command('synth write --llm openai:MODEL')}`"
    return f"more questions_per_chunk in [synth.write], and `{run.command('synth write')}` again; or more documents"
