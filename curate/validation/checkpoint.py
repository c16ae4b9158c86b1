"""Great Expectations, kept in one place: suites in, plain results out.

Each table is one batch of an ephemeral context and is run by the library's own Checkpoint; nothing is sent anywhere (its analytics are
off) and nothing is kept between runs but the Data Docs, which are made self-contained here.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triplette.curate.suites import Expected
from triplette.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

ID = "id"
SITE = "triplette"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An expectation's result: what was observed, how many rows failed and which (ids; "" where the table has no rows of its own)."""

    expected: Expected
    success: bool
    observed: Any
    failing: int
    failing_ids: tuple[str, ...]
    error: str = ""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """The library without analytics, progress bars, log lines and warnings of its own making."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def run_checkpoint(
    frames: Mapping[str, pd.DataFrame],
    suites: Sequence[Expected],
    parameters: Mapping[str, Any],
    docs: Path | None = None,
) -> list[Outcome]:
    """Run every expectation on its table; ``docs`` is the folder that the Data Docs site is written to."""
    with quiet():
        import great_expectations as gx

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        source = context.data_sources.add_pandas("run")
        outcomes: list[Outcome] = []
        if docs is not None:
            store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.resolve())}
            # the context's own site lies in a temporary folder and would be rendered by every checkpoint
            for site in list(context.get_site_names()):
                context.delete_data_docs_site(site)
            context.add_data_docs_site(
                SITE,
                {"class_name": "SiteBuilder", "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"}, "store_backend": store},
            )
        for name, members in _by_page(suites).items():
            outcomes += _run_table(gx, context, source, name, frames[members[0].table], members, parameters)
        if docs is not None:
            context.build_data_docs(site_names=[SITE])
    order = {item.name: number for number, item in enumerate(suites)}
    return sorted(outcomes, key=lambda outcome: order[outcome.expected.name])


def page_name(item: Expected) -> str:
    """The name of an expectation's batch, and so of its page in the Data Docs."""
    return item.suite if item.suite == item.table else f"{item.suite}-{item.table}"


def _by_page(suites: Sequence[Expected]) -> dict[str, list[Expected]]:
    found: dict[str, list[Expected]] = {}
    for item in suites:
        found.setdefault(page_name(item), []).append(item)
    return found


def _run_table(
    gx: Any, context: Any, source: Any, name: str, frame: pd.DataFrame, members: Sequence[Expected], parameters: Mapping[str, Any]
) -> list[Outcome]:
    batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("whole")
    expectations = [_configured(item, frame) for item in members]
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=expectations))
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(
            name=name,
            validation_definitions=[definition],
            result_format={"result_format": "COMPLETE", "unexpected_index_column_names": [ID], "return_unexpected_index_query": False},
        )
    )
    result = checkpoint.run(batch_parameters={"dataframe": frame}, expectation_parameters=dict(parameters))
    by_name = {item.name: item for item in members}
    found = []
    for run in result.run_results.values():
        for item in run.results:
            found.append(_outcome(by_name[item.expectation_config.meta["name"]], item, frame))
    return found


def _configured(item: Expected, frame: pd.DataFrame) -> Any:
    """The library's expectation. Raises InputError for one that it does not know, or for a fact that there is not."""
    from great_expectations.exceptions import GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    where = f"suite {item.suite}: {item.name}"
    if item.table == "facts" and item.column not in frame.columns:
        raise InputError(f"there is no fact {item.column!r}", where=where, cure=f"use one of {', '.join(map(str, frame.columns))}")
    try:
        return ExpectationConfiguration(
            type=item.type, kwargs=item.kwargs, meta={"name": item.name}, severity=item.severity, notes=item.about
        ).to_domain_obj()
    except (GreatExpectationsError, ValueError, TypeError) as error:  # ValueError: kwargs that it does not take
        said = " ".join(str(error).split())
        raise InputError(
            f"Great Expectations does not take it ({said})", where=where, cure="give a type and kwargs of its gallery"
        ) from None


def _outcome(expected: Expected, item: Any, frame: pd.DataFrame) -> Outcome:
    result = item.result or {}
    indexes = result.get("unexpected_index_list") or []
    ids = tuple(dict.fromkeys(str(index[ID]) for index in indexes if isinstance(index, dict) and ID in index))
    error = _error(item.exception_info or {})
    if error:
        observed: Any = error
    elif expected.table == "facts":
        observed = frame[expected.column].tolist()[0]  # one row: the number itself says more than "0 of 1"
    elif "observed_value" in result:
        observed = result["observed_value"]
    else:
        observed = f"{result.get('unexpected_count', 0)} of {result.get('element_count', 0)}"
    if isinstance(observed, float) and math.isnan(observed):
        observed = None
    return Outcome(expected, bool(item.success), observed, int(result.get("unexpected_count") or 0), ids, error)


def _error(info: Mapping[str, Any]) -> str:
    """The message of an expectation that could not be computed; the library nests it under the metric's id."""
    if "raised_exception" in info:
        return str(info.get("exception_message") or "") if info["raised_exception"] else ""
    return "; ".join(
        str(inner.get("exception_message")) for inner in info.values() if isinstance(inner, dict) and inner.get("raised_exception")
    )
