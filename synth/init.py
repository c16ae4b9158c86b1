"""``synth init``: a settings file with every default, or a profile to edit, which a language model may draft from the run's passages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from triplette.console import ConfigOption, RunOption, open_run, say, table
from triplette.errors import InputError
from triplette.llm.options import BudgetOption, PricesOption, UrlOption
from triplette.rundir import DEFAULT_RUN
from triplette.synth.options import write_settings


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
    from triplette.settings.base import template
    from triplette.settings.catalogue import SECTIONS
    from triplette.tables import write_text

    if profile is not None or llm is not None:
        return _init_profile(path or Path("profile.toml"), profile, llm, base_url, prices, budget, run, config, yes=yes, force=force)
    path = path or Path("triplette.toml")
    if path.exists() and not force:
        raise InputError("already exists", where=str(path), cure="give another path, or --force to replace it")
    write_text(path, template(SECTIONS))
    say(f"wrote {path}")
    return 0


def _init_profile(
    path: Path, name: str | None, llm: str | None, base_url: str | None, prices: Path | None, budget: float | None, run: Path,
    config: Path | None, *, yes: bool, force: bool,
) -> int:  # fmt: skip
    from triplette.profile import load_profile, run_profile
    from triplette.synth.profile_draft import draft_profile, write_profile

    if path.exists() and not force:
        raise InputError("already exists", where=str(path), cure="give another path, or --force to replace it")
    place = open_run(run)
    made = load_profile(name) if name else run_profile(place)
    if llm is not None:
        _, model = write_settings(config, llm, base_url, prices)
        draft = draft_profile(place, made, model, budget=budget)
        made = draft.profile
        say(f"{made.about}\n")
        table("Who asks", ("persona", "who"), [(persona.name, persona.who) for persona in made.personas])
        table("Kinds of question", ("kind", "asks"), [(kind.name, kind.asks) for kind in made.kinds if kind.weight])
        say(f"drafted from {draft.passages} passages, {draft.cost:.4f} USD")
        if not yes and not typer.confirm(f"Write this to {path}?", default=False, err=True):
            say("nothing was written")
            return 1
    write_profile(path, made, force=force)
    say(f'wrote {path}; name it in triplette.toml: profile = "{path}"')
    return 0
