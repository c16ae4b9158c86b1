"""A search engine for argilla-server that needs no second index: its relational database answers every query.

Nothing is indexed, so nothing can fall out of step with the records and there is no process to run beside the server. The
price is a table scan for each query, which suits review queues of thousands of records, not of millions.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
from argilla_server.database import AsyncSessionLocal
from argilla_server.enums import MetadataPropertyType, SimilarityOrder
from argilla_server.models import DatasetUser, Record, Response, Vector, WorkspaceUser
from argilla_server.search_engine.base import (
    FloatMetadataMetrics,
    IntegerMetadataMetrics,
    SearchEngine,
    SearchResponseItem,
    SearchResponses,
    TermsMetrics,
)
from sqlalchemy import case, func, literal_column, select, true

from triplette.arrays import Vectors
from triplette.curate.review.serve import conditions

NAME = "sqlite"
ROWID = literal_column("records.rowid")  # the order of upload: a bulk shares one timestamp


@SearchEngine.register(engine_name=NAME)
class SqliteSearchEngine(SearchEngine):
    """Stateless: every method opens a session, asks, and closes it."""

    @classmethod
    async def new_instance(cls) -> SqliteSearchEngine:
        """A new engine; there is nothing to connect to."""
        return cls()

    async def close(self) -> None:
        """Nothing is held open."""

    async def ping(self) -> bool:
        """Whether the database answers."""
        return bool(await _scalar(select(1)) == 1)

    async def info(self) -> dict[str, Any]:
        """What the server's status page shows."""
        return {"name": NAME, "version": await _scalar(select(func.sqlite_version()))}

    # The tables are the index: there is nothing to keep up.

    async def create_index(self, dataset: Any) -> None:
        """Nothing to create."""

    async def delete_index(self, dataset: Any) -> None:
        """Nothing to delete."""

    async def configure_metadata_property(self, dataset: Any, metadata_property: Any) -> None:
        """Nothing to map."""

    async def index_records(self, dataset: Any, records: Any) -> None:
        """Nothing to index."""

    async def partial_record_update(self, record: Any, **update: Any) -> None:
        """Nothing to update."""

    async def delete_records(self, dataset: Any, records: Any) -> None:
        """Nothing to delete."""

    async def update_record_response(self, response: Any) -> None:
        """Nothing to update."""

    async def delete_record_response(self, response: Any) -> None:
        """Nothing to delete."""

    async def update_record_suggestion(self, suggestion: Any) -> None:
        """Nothing to update."""

    async def delete_record_suggestion(self, suggestion: Any) -> None:
        """Nothing to delete."""

    async def get_dataset_progress(self, dataset: Any) -> dict[str, int]:
        """Records of a dataset by status, and their total."""
        if dataset.is_draft:
            return {}
        return await _counts(Record.status, Record.dataset_id == dataset.id)

    async def get_dataset_user_progress(self, dataset: Any, user: Any) -> dict[str, int]:
        """Responses of one user in a dataset by status, and their total."""
        if dataset.is_draft:
            return {}
        mine = Response.record_id.in_(select(Record.id).where(Record.dataset_id == dataset.id))
        return await _counts(Response.status, mine, Response.user_id == user.id)

    async def search(
        self,
        dataset: Any,
        query: Any = None,
        filter: Any = None,
        sort: Any = None,
        offset: int = 0,
        limit: int = 100,
        user_id: UUID | str | None = None,
    ) -> Any:
        """A page of record ids and the total.

        ``user_id`` is not in the abstract signature, but the handler for a user's own queue passes it: without a sort the
        order is then the reviewer's own (``_own_share``), so that two people do not label the same records.
        """
        wanted = _conditions(dataset, query, filter)
        ordered = [conditions.order(item) for item in sort or ()]
        async with AsyncSessionLocal() as db:
            if user_id is not None and not sort:
                ordered += await _own_share(db, dataset, UUID(str(user_id)))
            # the total as a window over the same rows: a text condition is then evaluated once a record
            page = select(Record.id, func.count().over()).where(*wanted).order_by(*ordered, ROWID).offset(offset).limit(limit)
            rows = (await db.execute(page)).all()
            total = rows[0][1] if rows else 0
            if not rows and offset:  # past the end no row carries the total
                total = await db.scalar(select(func.count()).select_from(Record).where(*wanted))
        return SearchResponses(items=[SearchResponseItem(record_id=found) for found, _ in rows], total=total)

    async def compute_metrics_for(self, metadata_property: Any) -> Any:
        """What the filter panel shows: how often each term occurs, or the smallest and the largest number."""
        each = func.json_each(Record.metadata_, conditions.json_path(metadata_property.name)).table_valued("value")
        mine = (Record.dataset_id == metadata_property.dataset_id, each.c.value.is_not(None))
        async with AsyncSessionLocal() as db:
            if metadata_property.type == MetadataPropertyType.terms:
                count = func.count()
                grouped = select(each.c.value, count).select_from(Record).join(each, true()).where(*mine)
                rows = (await db.execute(grouped.group_by(each.c.value).order_by(count.desc(), each.c.value))).all()
                terms = [TermsMetrics.TermCount(term=str(term), count=n) for term, n in rows]
                return TermsMetrics(total=sum(n for _, n in rows), values=terms)
            ends = select(func.min(each.c.value), func.max(each.c.value)).select_from(Record).join(each, true()).where(*mine)
            low, high = (await db.execute(ends)).one()
        whole = metadata_property.type == MetadataPropertyType.integer
        return (IntegerMetadataMetrics if whole else FloatMetadataMetrics)(min=low, max=high)

    async def similarity_search(
        self,
        dataset: Any,
        vector_settings: Any,
        value: list[float] | None = None,
        record: Any = None,
        query: Any = None,
        filter: Any = None,
        max_results: int = 100,
        order: Any = SimilarityOrder.most_similar,
        threshold: float | None = None,
    ) -> Any:
        """The records nearest to (or farthest from) a vector by cosine, on the scale (1 + cosine) / 2 of Elasticsearch."""
        if (value is None) == (record is None):
            raise ValueError("give either a vector or a record")
        target = value if value is not None else record.vector_value_by_vector_settings(vector_settings)
        if not target:
            raise ValueError("the record has no such vector")
        wanted = [*_conditions(dataset, query, filter), Vector.vector_settings_id == vector_settings.id]
        if record is not None:
            wanted.append(Record.id != record.id)
        async with AsyncSessionLocal() as db:
            found = await db.execute(select(Record.id, Vector.value).join(Vector, Vector.record_id == Record.id).where(*wanted))
            rows = found.all()
        scores = _cosines([vector for _, vector in rows], target)
        if order == SimilarityOrder.least_similar:
            scores = 1 - scores
        best = [index for index in np.argsort(-scores, kind="stable") if threshold is None or scores[index] >= threshold]
        items = [SearchResponseItem(record_id=rows[index][0], score=float(scores[index])) for index in best[:max_results]]
        return SearchResponses(items=items, total=len(items))


async def _scalar(statement: Any) -> Any:
    async with AsyncSessionLocal() as db:
        return await db.scalar(statement)


async def _counts(column: Any, *wanted: Any) -> dict[str, int]:
    async with AsyncSessionLocal() as db:
        rows = (await db.execute(select(column, func.count()).where(*wanted).group_by(column))).all()
    return {"total": sum(n for _, n in rows), **{str(value): n for value, n in rows}}


def _conditions(dataset: Any, query: Any, condition: Any) -> list[Any]:
    wanted = [Record.dataset_id == dataset.id]
    if query is not None:
        wanted.append(conditions.text(query))
    if condition is not None:
        wanted.append(conditions.where(condition))
    return wanted


async def _own_share(db: Any, dataset: Any, user_id: UUID) -> list[Any]:
    """An order in which R reviewers start on disjoint records: each has every R-th, best first, then the others' from the end.

    A reviewer is who belongs to the workspace or has answered in the dataset; alone, one sees the order of upload.
    """
    members = select(WorkspaceUser.user_id).where(WorkspaceUser.workspace_id == dataset.workspace_id)
    answered = select(DatasetUser.user_id).where(DatasetUser.dataset_id == dataset.id)
    found = {*(await db.scalars(members)).all(), *(await db.scalars(answered)).all(), user_id}
    reviewers = sorted(found, key=str)
    if len(reviewers) == 1:
        return []
    own = ROWID % len(reviewers) == reviewers.index(user_id)
    return [case((own, 0), else_=1), case((own, ROWID), else_=-ROWID)]


def _cosines(vectors: list[list[float]], target: list[float]) -> Vectors:
    """(1 + cosine) / 2 of each of n vectors with the target, float32 (n,); a zero vector is at right angles to all."""
    if not vectors:
        return np.zeros(0, dtype=np.float32)
    matrix, one = np.asarray(vectors, dtype=np.float32), np.asarray(target, dtype=np.float32)
    length = np.linalg.norm(matrix, axis=1) * np.linalg.norm(one)
    cosines = (1 + (matrix @ one) / np.where(length == 0, 1, length)) / 2
    return cosines.astype(np.float32)
