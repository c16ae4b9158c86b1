"""Argilla's filters, orders and text queries as SQL over its own relational tables.

JSON columns (metadata, suggestion values, response values) hold a scalar or a list; ``json_each`` gives one row for
the former and one an element for the latter, so that one EXISTS covers both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from argilla_server.enums import ResponseStatusFilter, SortOrder
from argilla_server.models import Question, Record, Response, Suggestion
from argilla_server.search_engine.base import (
    AndFilter,
    MetadataFilterScope,
    RecordFilterScope,
    ResponseFilterScope,
    SuggestionFilterScope,
    TermsFilter,
    TextQuery,
)
from sqlalchemy import String, and_, cast, false, func, not_, or_, select, true

from triplette.curate.review.serve.matching import fold, match

MATCH = "triplette_match"  # the SQL function that ``install`` adds to a connection
_TERM = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]+)"|(?P<word>\S+))')
_SYNTAX = '*+|()~"'  # Elasticsearch's simple query syntax, which has no meaning here


def install(connection: Any) -> None:
    """Give a SQLite connection the functions that the conditions call."""
    connection.create_function(MATCH, 3, match, deterministic=True)


def json_path(*keys: str) -> str:
    """The JSON path of nested keys, each quoted.

    SQLite knows no escape inside the quotes. No name that the server accepts needs one, so a key with a quote or a backslash
    names nothing, and its path is that of a key that cannot be there.
    """
    return "$" + "".join('."{}"'.format(" " if set(str(key)) & set('"\\') else key) for key in keys)


def where(condition: Any) -> Any:
    """The SQL condition of a server filter (And, Terms or Range over any scope). Raises ValueError for an unknown scope."""
    if isinstance(condition, AndFilter):
        return and_(true(), *(where(inner) for inner in condition.filters))
    scope = condition.scope
    if isinstance(scope, RecordFilterScope):
        return _record(condition, str(scope.property))
    if isinstance(scope, MetadataFilterScope):
        return _json_any(Record.metadata_, json_path(scope.metadata_property), condition)
    if isinstance(scope, SuggestionFilterScope):
        return _suggestion(condition, scope)
    if isinstance(scope, ResponseFilterScope):
        return _response(condition, scope)
    raise ValueError(f"no filter over {scope!r}")


def text(query: Any) -> Any:
    """The SQL condition of a text query: every word or "phrase" occurs, none with a leading minus does."""
    query = TextQuery(q=query) if isinstance(query, str) else query
    terms = []
    for term in _TERM.finditer(query.q):
        needle = fold(term["phrase"] or term["word"].strip(_SYNTAX))
        if needle:
            terms.append([needle, not term["minus"]])
    if not terms:
        return true()
    return getattr(func, MATCH)(cast(Record.fields, String), query.field, json.dumps(terms)) == 1


def order(sort: Any) -> Any:
    """The SQL order of one server sort; records that lack the value come last in either direction."""
    scope = sort.scope
    if isinstance(scope, RecordFilterScope):
        key: Any = getattr(Record, str(scope.property))
    elif isinstance(scope, MetadataFilterScope):
        key = func.json_extract(Record.metadata_, json_path(scope.metadata_property))
    elif isinstance(scope, SuggestionFilterScope):
        column = _suggestion_column(scope)
        value = column if _is_plain(scope) else func.json_extract(column, "$")
        key = _suggestions(scope, value).limit(1).correlate(Record).scalar_subquery()
    elif isinstance(scope, ResponseFilterScope):
        value = func.json_extract(Response.values, json_path(scope.question, "value")) if scope.question else Response.status
        chosen = func.avg(value) if scope.question else func.min(cast(value, String))
        key = _responses(scope, chosen).correlate(Record).scalar_subquery()
    else:
        raise ValueError(f"no order by {scope!r}")
    return (key.desc() if sort.order == SortOrder.desc else key.asc()).nulls_last()


def _record(condition: Any, name: str) -> Any:
    column = getattr(Record, name)
    convert: Callable[[Any], Any] = {"id": _uuid, "inserted_at": _moment, "updated_at": _moment}.get(name, _plain)
    return _bounded(column, condition, convert)


def _bounded(column: Any, condition: Any, convert: Callable[[Any], Any]) -> Any:
    if isinstance(condition, TermsFilter):
        values = [value for value in (convert(item) for item in condition.values) if value is not None]
        return column.in_(values)
    bounds = []
    if condition.ge is not None:
        bounds.append(column >= convert(condition.ge))
    if condition.le is not None:
        bounds.append(column <= convert(condition.le))
    return and_(true(), *bounds)


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None  # no record has such an id


def _moment(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment  # the tables hold naive UTC


def _json_any(column: Any, path: str, condition: Any) -> Any:
    """EXISTS an element of the JSON value at ``path`` that meets the condition."""
    each = func.json_each(column, path).table_valued("value", "type")
    if isinstance(condition, TermsFilter):
        test = cast(each.c.value, String).in_([str(_plain(value)) for value in condition.values])
    else:
        test = and_(each.c.type.in_(["integer", "real"]), _bounded(each.c.value, condition, _number))
    return select(1).select_from(each).where(test).exists()


def _number(value: Any) -> Any:
    return value if isinstance(value, (int, float)) else float(value)


def _is_plain(scope: Any) -> bool:
    return scope.property in ("agent", "type")


def _suggestion_column(scope: Any) -> Any:
    return getattr(Suggestion, scope.property if scope.property in ("score", "agent", "type") else "value")


def _suggestions(scope: Any, what: Any) -> Any:
    named = select(what).join(Question, Question.id == Suggestion.question_id)
    return named.where(Suggestion.record_id == Record.id, Question.name == scope.question)


def _suggestion(condition: Any, scope: Any) -> Any:
    column = _suggestion_column(scope)
    test = _bounded(column, condition, _plain) if _is_plain(scope) else _json_any(column, "$", condition)
    return _suggestions(scope, Suggestion.id).where(test).correlate(Record).exists()


def _responses(scope: Any, what: Any) -> Any:
    mine = select(what).where(Response.record_id == Record.id)
    return mine.where(Response.user_id == scope.user.id) if scope.user is not None else mine


def _response(condition: Any, scope: Any) -> Any:
    answered = _responses(scope, Response.id)
    if scope.question:
        test = _json_any(Response.values, json_path(scope.question, "value"), condition)
        return answered.where(test).correlate(Record).exists()
    statuses = {ResponseStatusFilter(_plain(value)) for value in condition.values}
    parts = []
    if ResponseStatusFilter.pending in statuses:  # nobody's (or not this user's) response yet
        parts.append(not_(answered.correlate(Record).exists()))
    given = [status.value for status in statuses if status != ResponseStatusFilter.pending]
    if given:
        parts.append(answered.where(Response.status.in_(given)).correlate(Record).exists())
    return or_(*parts) if parts else false()
