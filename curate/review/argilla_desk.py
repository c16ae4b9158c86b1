"""Argilla as a desk: one dataset, and a second one for the rows that several people review.

Argilla counts how many submissions complete a record for a whole dataset, hence two. A record's external id is its
triplet's, so that sending twice updates and never doubles; a fingerprint in the metadata says which records need no
sending. Requests go through the SDK's own session; responses are read from it raw, because the SDK's objects drop when a
response was given, and cannot hold a discarded response without values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from triplette.curate.review import labels
from triplette.curate.review.answers import Answer
from triplette.curate.review.connect import clear_errors, connect
from triplette.curate.review.desk import Advance, Pulled, Pushed
from triplette.curate.review.rows import ReviewRow
from triplette.errors import InputError, MissingStage, ServiceError
from triplette.profile import run_profile
from triplette.profile.shape import Review
from triplette.rundir import RunDir
from triplette.settings.review import ReviewSettings

if TYPE_CHECKING:
    import argilla

FINGERPRINT, QUESTION_ID, NEGATIVE_IDS = "fingerprint", "question_id", "negative_ids"
PAGE = 500  # records in one page of a listing


@dataclass(frozen=True)
class ArgillaDesk:
    """A workspace of an Argilla server. Every method raises ServiceError for what the server or the network refuses."""

    client: argilla.Argilla
    settings: ReviewSettings
    review: Review = field(default_factory=Review)

    @property
    def url(self) -> str:
        """The server's address."""
        return str(self.client.api_url)

    def push(self, rows: Sequence[ReviewRow], *, negatives: int, known: frozenset[str], prune: bool, advance: Advance) -> Pushed:
        """Send what is new or shown differently, in chunks; a killed push goes on where it was."""
        with clear_errors(self.url):
            places = [self._place(name, several) for name, several in self._names()]
            _share_out(rows, places)
            counts = Counter[str]()
            for place in places:
                gone = [record for triplet_id, record in place.there.items() if triplet_id not in known]
                counts["stale"] += len(gone)
                if prune and gone:
                    counts["pruned"] += self._prune(place.dataset, gone)
                counts["unchanged"] += len(place.rows) - len(place.due)
                counts["updated"] += sum(row.triplet_id in place.there for row in place.due)
                counts["sent"] += sum(row.triplet_id not in place.there for row in place.due)
                advance(len(place.rows) - len(place.due))
                if place.due:
                    self._send(place, negatives, advance)
        return Pushed(**{name: counts[name] for name in ("sent", "updated", "unchanged", "stale", "pruned")}, where=self.url)

    def pull(self, since: Mapping[str, str]) -> Pulled:
        """Every response so far: submitted ones as answers, drafts and discarded ones as withdrawn.

        A dataset whose last activity is the one in ``since`` is not read.
        """
        answers: list[Answer] = []
        withdrawn: list[tuple[str, str, str]] = []
        counts = Counter({"draft": 0, "discarded": 0})
        marks: dict[str, str] = {}
        with clear_errors(self.url):
            users = self._usernames()
            found = [dataset for dataset in (self._find(name) for name, _ in self._names()) if dataset is not None]
            if not found:
                raise ServiceError(
                    f"there is no dataset {self.settings.dataset!r} in the workspace {self.settings.workspace!r}",
                    where=self.url,
                    cure="`curate review push` makes it; --workspace and --dataset name another",
                )
            for dataset in found:
                # before its answers: what comes in while they are read is read again by the next pull
                marks[str(dataset.id)] = str(dataset.api_model().last_activity_at)
            unchanged = bool(found) and all(since.get(key) == mark for key, mark in marks.items())
            for dataset in () if unchanged else found:
                desk = f"argilla:{dataset.id}"
                for record in self._answered(dataset):
                    for response in record.get("responses") or ():
                        reviewer = users.get(response["user_id"], response["user_id"])
                        if response["status"] == "submitted":
                            answers.append(_answer(record, response, reviewer, desk))
                        else:
                            counts[response["status"]] += 1
                            withdrawn.append((record["external_id"], reviewer, desk))
        return Pulled(tuple(answers), tuple(withdrawn), dict(counts), marks, unchanged)

    def _usernames(self) -> dict[str, str]:
        """User id -> name. Only an owner may list every user; an admin sees the members of the workspace."""
        from argilla._exceptions import ForbiddenError

        try:
            users = list(self.client.users)
        except ForbiddenError:
            workspace = self._workspace()
            users = [self.client.me, *(workspace.users if workspace is not None else ())]
        return {str(user.id): str(user.username) for user in users}

    def progress(self) -> dict[str, Any]:
        """Records of both datasets by state, responses by state, and responses of each reviewer."""
        found: dict[str, Any] = {"records": 0, "completed": 0, "pending": 0, "submitted": 0, "discarded": 0, "draft": 0}
        reviewers: dict[str, int] = {}
        ids: list[str] = []
        with clear_errors(self.url):
            for name, _ in self._names():
                dataset = self._find(name)
                if dataset is None:
                    continue
                progress = dataset.progress(with_users_distribution=True)
                found["records"] += progress["total"]
                found["completed"] += progress["completed"]
                found["pending"] += progress["pending"]
                for user, states in progress["users"].items():
                    for counts in states.values():
                        for state, count in counts.items():
                            found[state] += count
                            reviewers[user] = reviewers.get(user, 0) + (count if state == "submitted" else 0)
                ids += [record["external_id"] for record in self._list(dataset)]
        return {**found, "reviewers": reviewers, "ids": ids}

    def _names(self) -> tuple[tuple[str, bool], ...]:
        return (self.settings.dataset, False), (f"{self.settings.dataset}-overlap", True)

    def _place(self, name: str, several: bool) -> _Place:
        dataset = self._find(name)
        there = {record["external_id"]: record for record in self._list(dataset)} if dataset is not None else {}
        return _Place(name, several, dataset, there)

    def _send(self, place: _Place, negatives: int, advance: Advance) -> None:
        if place.dataset is None:
            place.dataset = self._create(place.name, negatives, self.settings.overlap_reviewers if place.several else 1)
        self._check_fields(place.dataset, negatives)
        self._drop_old_suggestions(place)  # first: a kill in between leaves the old fingerprint, so the next push does both
        for start in range(0, len(place.due), self.settings.chunk_rows):
            part = place.due[start : start + self.settings.chunk_rows]
            self.client.api.records.bulk_upsert(place.dataset.id, [_record(row, place.dataset).api_model() for row in part])
            advance(len(part))

    def _drop_old_suggestions(self, place: _Place) -> None:
        """Take off what a judge suggested before and no longer does: an update replaces suggestions, and removes none."""
        updated = {row.triplet_id: {item.question for item in row.suggestions} for row in place.due if row.triplet_id in place.there}
        if not updated:
            return
        names = {question.id: question.name for question in place.dataset.settings.questions}
        for record in self._list(place.dataset, with_suggestions=True):
            wanted = updated.get(record["external_id"])
            old = [str(item.id) for item in record["model"].suggestions if wanted is not None and names[item.question_id] not in wanted]
            if old:
                url = f"/api/v1/records/{record['id']}/suggestions"
                self.client.http_client.delete(url, params={"ids": ",".join(old)}).raise_for_status()

    def _find(self, name: str) -> Any:
        """The published dataset of that name, or None. A draft is what a killed push left: it holds nothing and is removed."""
        workspace = self._workspace()
        if workspace is None:
            return None
        dataset = next((one for one in workspace.datasets if one.name == name), None)
        if dataset is not None and str(dataset.api_model().status) == "draft":
            dataset.delete()
            return None
        return dataset

    def _workspace(self) -> Any:
        return next((one for one in self.client.workspaces if one.name == self.settings.workspace), None)

    def _create(self, name: str, negatives: int, submissions: int) -> Any:
        import argilla

        workspace = self._workspace()
        if workspace is None:
            workspace = argilla.Workspace(name=self.settings.workspace, client=self.client).create()
        settings = dataset_settings(self.client, negatives, submissions, self.review)
        return argilla.Dataset(name=name, workspace=workspace, settings=settings, client=self.client).create()

    def _check_fields(self, dataset: Any, negatives: int) -> None:
        dataset.settings.get()
        fields = {field.name for field in dataset.settings.fields}
        if labels.negative_field(negatives) not in fields:
            raise InputError(
                f"the dataset {dataset.name!r} on the server was made for fewer than {negatives} negatives",
                where=self.url,
                cure="choose another name with --dataset, or lower shown_negatives in [curate.review]",
            )

    def _list(self, dataset: Any, *, with_suggestions: bool = False) -> Iterator[dict[str, Any]]:
        """Every record with its metadata, straight from the server's tables."""
        offset = 0
        while True:
            records = self.client.api.records.list(dataset.id, offset, PAGE, with_suggestions, with_responses=False)
            for record in records:
                metadata = {item.name: item.value for item in record.metadata}
                yield {"id": record.id, "external_id": str(record.external_id), "metadata": metadata, "model": record}
            if len(records) < PAGE:
                return
            offset += PAGE

    def _answered(self, dataset: Any) -> Iterator[dict[str, Any]]:
        """The records with a response, oldest first: what comes in meanwhile moves others back, never past us."""
        scope = {"entity": "response", "property": "status"}
        body = {
            "filters": {"and": [{"type": "terms", "scope": scope, "values": ["submitted", "discarded", "draft"]}]},
            "sort": [{"scope": {"entity": "record", "property": "inserted_at"}, "order": "asc"}],
        }
        seen: set[str] = set()
        offset = 0
        while True:
            answer = self.client.http_client.post(
                f"/api/v1/datasets/{dataset.id}/records/search",
                json=body,
                params={"offset": offset, "limit": PAGE, "include": ["responses", "suggestions"]},
            )
            answer.raise_for_status()
            items = answer.json()["items"]
            fresh = [item["record"] for item in items if item["record"]["id"] not in seen]
            seen.update(record["id"] for record in fresh)
            names = {str(question.id): question.name for question in dataset.settings.questions}
            yield from ({**record, "question_names": names} for record in fresh)
            if len(items) < PAGE:
                return
            offset += PAGE

    def _prune(self, dataset: Any, gone: Sequence[Mapping[str, Any]]) -> int:
        """Delete stale records that nobody has answered."""
        answered = {record["id"] for record in self._answered(dataset)}
        removable = [record["model"] for record in gone if str(record["id"]) not in answered]
        for start in range(0, len(removable), self.client.api.records.MAX_RECORDS_PER_DELETE_BULK):
            part = removable[start : start + self.client.api.records.MAX_RECORDS_PER_DELETE_BULK]
            self.client.api.records.delete_many(dataset.id, part)
        return len(removable)


@contextmanager
def open_desk(run: RunDir, settings: ReviewSettings) -> Iterator[ArgillaDesk]:
    """The run's desk, connected for a block, in the words of the run's profile. Raises ServiceError."""
    with connect(run, settings) as client:
        yield ArgillaDesk(client, settings, run_profile(run).review)


@dataclass
class _Place:
    """One of the two datasets during a push: what is there by triplet id, and the rows that belong to it."""

    name: str
    several: bool
    dataset: Any
    there: dict[str, dict[str, Any]]
    rows: list[ReviewRow] = field(default_factory=list)
    due: list[ReviewRow] = field(default_factory=list)


def _share_out(rows: Sequence[ReviewRow], places: Sequence[_Place]) -> None:
    """Give each row its dataset: the one that has it already, so that it is never in both, else by who should see it.

    A row is due when it is not there, or not as it should be shown now.
    """
    for row in rows:
        holding = [place for place in places if row.triplet_id in place.there]
        fitting = [place for place in places if place.several == row.several]
        place = (holding or fitting)[0]
        place.rows.append(row)
        if _fingerprint(place.there.get(row.triplet_id)) != row.fingerprint:
            place.due.append(row)


def dataset_settings(client: Any, negatives: int, submissions: int, review: Review) -> Any:
    """Fields, questions, metadata and guidelines of a review dataset, for rows of up to ``negatives`` negatives."""
    import argilla as rg

    numbered = range(1, negatives + 1)
    return rg.Settings(
        guidelines=review.guidelines or None,
        fields=[
            rg.TextField("question", title=review.question, client=client),
            rg.TextField("positive", title=review.positive, client=client),
            *(
                rg.TextField(labels.negative_field(n), title=review.negative.replace("{}", str(n)), required=False, client=client)
                for n in numbered
            ),
        ],
        questions=[
            rg.LabelQuestion(
                labels.VERDICT,
                labels.words(labels.VERDICTS, review),
                title=review.verdict,
                description=review.verdict_help,
                client=client,
            ),
            rg.MultiLabelQuestion(
                labels.ISSUES,
                labels.issues(negatives, review),
                title=review.issues,
                description=review.issues_help,
                required=False,
                client=client,
            ),
            rg.RatingQuestion(
                labels.HARDNESS,
                list(labels.HARDNESS_VALUES),
                title=review.hardness,
                description=review.hardness_help,
                required=False,
                client=client,
            ),
            rg.TextQuestion(
                labels.REWRITE,
                title=review.rewrite,
                description=review.rewrite_help,
                required=False,
                client=client,
            ),
        ],
        metadata=[
            rg.FloatMetadataProperty(name, title=title, client=client)
            if name in labels.NUMBERS
            else rg.TermsMetadataProperty(name, title=title, client=client)
            for name, title in labels.words(labels.METADATA, review).items()
        ],
        allow_extra_metadata=True,
        distribution=rg.TaskDistribution(min_submitted=submissions),
    )


def _record(row: ReviewRow, dataset: Any) -> Any:
    import argilla as rg

    suggestions = []
    for suggestion in row.suggestions:
        many = suggestion.question == labels.ISSUES
        suggestions.append(
            rg.Suggestion(
                suggestion.question,
                list(suggestion.values) if many else suggestion.values[0],
                score=list(suggestion.scores) if many else suggestion.scores[0],
                agent=suggestion.agent,
                type="model",
            )
        )
    hidden = {FINGERPRINT: row.fingerprint, QUESTION_ID: row.question_id, NEGATIVE_IDS: " ".join(row.negative_ids)}
    record = rg.Record(id=row.triplet_id, fields=row.fields(), metadata={**row.metadata, **hidden}, suggestions=suggestions)
    record.dataset = dataset  # suggestions are sent under the ids of its questions
    return record


def _fingerprint(record: Mapping[str, Any] | None) -> str:
    return str(record["metadata"].get(FINGERPRINT, "")) if record else ""


def _answer(record: Mapping[str, Any], response: Mapping[str, Any], reviewer: str, desk: str) -> Answer:
    values = {name: item.get("value") for name, item in (response.get("values") or {}).items()}
    metadata = record.get("metadata") or {}
    if values.get(labels.VERDICT) not in labels.VERDICTS:
        raise MissingStage(
            f"a response without a known verdict: {values.get(labels.VERDICT)!r}",
            where=str(record["external_id"]),
            cure="this dataset was not made by `curate review push`; choose another with --dataset",
        )
    suggested: Any = next(
        (
            item["value"]
            for item in record.get("suggestions") or ()
            if record["question_names"].get(item["question_id"]) == labels.ISSUES
        ),
        (),
    )
    return Answer(
        triplet_id=str(record["external_id"]),
        reviewer=reviewer,
        verdict=str(values[labels.VERDICT]),
        hardness=int(values.get(labels.HARDNESS) or 0),
        issues=tuple(sorted(values.get(labels.ISSUES) or ())),
        suggested=tuple(sorted(suggested or ())),
        rewrite=str(values.get(labels.REWRITE) or ""),
        question_id=str(metadata.get(QUESTION_ID, "")),
        question=str(record["fields"].get("question", "")),
        negative_ids=tuple(str(metadata.get(NEGATIVE_IDS, "")).split()),
        answered_at=_utc(str(response["updated_at"])),
        desk=desk,
    )


def _utc(moment: str) -> str:
    """The server's naive UTC time as ISO 8601 with its offset."""
    return moment if moment.endswith("Z") or "+" in moment else f"{moment}+00:00"
