"""Label Studio as a desk, by its files: tasks out as JSON with the page that shows them, its JSON export in.

No server is asked and no key is held: people import one file into a project, and export another from it, which works with any Label
Studio, its cloud included. The page (labeling configuration) stands beside the tasks as XML and is pasted once into the project's settings.
What the judge thinks is a prediction, which Label Studio shows ticked beforehand.

Formats: https://labelstud.io/guide/task_format, https://labelstud.io/guide/predictions.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from triplette.curate.review import labels
from triplette.curate.review.answers import Answer
from triplette.curate.review.desk import Advance, Pulled, Pushed
from triplette.curate.review.rows import ReviewRow
from triplette.errors import InputError
from triplette.profile.shape import Review
from triplette.tables import write_text

DESK = "label-studio"
SUFFIX = ".json"  # of a path that is Label Studio's and not a spreadsheet's
SHOWN = "question"  # every control is about this text
NOTHING = "—"  # where a row has fewer negatives than the page: Label Studio refuses a task without the text
ORIGIN = ("triplet_id", "question_id", "negative_ids", "suggested")  # in a task's data, for the way back


@dataclass(frozen=True, slots=True)
class LabelStudioDesk:
    """A file of tasks, and the file that Label Studio exported.

    ``reviewer`` names who answered where one person did; several are ``user N`` by Label Studio's numbers, or their e-mail where it is there.
    """

    path: Path
    reviewer: str = ""
    replace: bool = False
    review: Review = field(default_factory=Review)

    @property
    def next_step(self) -> str:
        """What people do with the files."""
        return (
            f"In Label Studio paste {self.page} as the labeling interface, import {self.path}, annotate, export as JSON "
            f"and save that as {self.answered}"
        )

    @property
    def page(self) -> Path:
        """Where the page that shows the tasks is written."""
        return self.path.with_suffix(".xml")

    @property
    def answered(self) -> Path:
        """What comes back: Label Studio exports a file of its own."""
        return self.path.with_suffix(f".answered{SUFFIX}")

    def push(self, rows: Sequence[ReviewRow], *, negatives: int, known: frozenset[str], prune: bool, advance: Advance) -> Pushed:
        """Write both files. A file that is there is an error unless ``replace``."""
        for path in (self.path, self.page):
            if path.exists() and not self.replace:
                raise InputError("already exists", where=str(path), cure="give another path, or --force to replace it")
        tasks = []
        for row in rows:
            tasks.append(_task(row, negatives, self.review))
            advance(1)
        write_text(self.page, page(negatives, self.review))
        write_text(self.path, json.dumps(tasks, ensure_ascii=False, indent=1) + "\n")
        return Pushed(len(rows), 0, 0, 0, 0, str(self.path))

    def pull(self, since: Mapping[str, str]) -> Pulled:
        """The export's annotations as answers. Raises InputError with the task for what cannot be understood."""
        tasks = list(_read(self.path))
        people = {str(_person(given)) for _, task in tasks for given in task["annotations"]}
        skipped: Counter[str] = Counter()
        answers: dict[tuple[str, str], Answer] = {}
        withdrawn: set[tuple[str, str, str]] = set()
        for where, task in tasks:
            skipped["unanswered"] += not task["annotations"]
            for given in sorted(task["annotations"], key=lambda given: str(given.get("updated_at", ""))):  # the newest last
                who = _name(given, self.reviewer if len(people) == 1 else "")
                key = (str(task["data"]["triplet_id"]), who)
                if given.get("was_cancelled"):
                    skipped["discarded"] += 1
                    answers.pop(key, None)
                    withdrawn.add((*key, DESK))
                    continue
                answers[key] = _answer(task["data"], given, where, who, self.review)
                withdrawn.discard((*key, DESK))
        return Pulled(tuple(answers.values()), tuple(sorted(withdrawn)), dict(skipped))


def page(negatives: int, review: Review) -> str:
    """The labeling configuration: what is read on the left, what is answered on the right, in the profile's words."""

    def choices(name: str, shown: Mapping[str, str], kind: str, title: str, more: str) -> list[str]:
        lines = [f"<Header value={quoteattr(title)} />", f'<Choices name="{name}" toName="{SHOWN}" choice="{kind}"{more}>']
        return [*lines, *(f"  <Choice value={quoteattr(word)} />" for word in shown.values()), "</Choices>"]

    def passage(name: str, title: str) -> list[str]:
        return [f"<Header value={quoteattr(title)} />", f'<Text name="{name}" value="${name}" />']

    read = [*passage(SHOWN, review.question), *passage("positive", review.positive)]
    for number in range(1, negatives + 1):
        read += passage(labels.negative_field(number), review.negative.replace("{}", str(number)))
    answered = [
        *choices(labels.VERDICT, labels.words(labels.VERDICTS, review), "single", review.verdict, ' required="true"'),
        *choices(labels.ISSUES, labels.issues(negatives, review), "multiple", review.issues, ""),
        f"<Header value={quoteattr(review.hardness)} />",
        f'<Rating name="{labels.HARDNESS}" toName="{SHOWN}" maxRating="{labels.HARDNESS_VALUES[-1]}" />',
        f"<Header value={quoteattr(review.rewrite)} />",
        f'<TextArea name="{labels.REWRITE}" toName="{SHOWN}" rows="2" maxSubmissions="1" />',
    ]
    columns = [
        '<View style="display: flex">', '  <View style="flex: 60%">', *(f"    {line}" for line in read), "  </View>",
        '  <View style="flex: 40%; margin-left: 1em">', *(f"    {line}" for line in answered), "  </View>", "</View>",
    ]  # fmt: skip
    return "\n".join(columns) + "\n"


def _task(row: ReviewRow, negatives: int, review: Review) -> dict[str, Any]:
    empty = {labels.negative_field(number): NOTHING for number in range(1, negatives + 1)}
    ticked = {suggestion.question: suggestion.values for suggestion in row.suggestions}
    data = {
        **row.metadata,
        **empty,
        **row.fields(),
        "triplet_id": row.triplet_id,
        "question_id": row.question_id,
        "negative_ids": list(row.negative_ids),
        "suggested": list(ticked.get(labels.ISSUES, ())),
    }
    shown = {**labels.words(labels.VERDICTS, review), **labels.issues(negatives, review)}
    result = [
        {
            "id": suggestion.question,
            "from_name": suggestion.question,
            "to_name": SHOWN,
            "type": "choices",
            "value": {"choices": [shown[value] for value in suggestion.values]},
        }
        for suggestion in row.suggestions
    ]
    predictions = [{"model_version": row.suggestions[0].agent, "result": result}] if result else []
    return {"data": data, "predictions": predictions}


def _read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, task) of an export. Raises InputError for what is not one."""
    if not path.exists():
        raise InputError("no such file", where=str(path), cure="export the project from Label Studio as JSON")
    try:
        tasks = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise InputError("not JSON", where=str(path), cure="export the project from Label Studio as JSON") from None
    for number, task in enumerate(tasks if isinstance(tasks, list) else [tasks], 1):
        where = f"{path}: task {number}"
        data = task.get("data") if isinstance(task, dict) else None
        if isinstance(data, dict) and "annotations" not in task and "predictions" in task:
            raise InputError("is as it went to Label Studio", where=where, cure="import the JSON that Label Studio exports")
        if not isinstance(data, dict) or not isinstance(task.get("annotations"), list):
            raise InputError("is not one of Label Studio's tasks", where=where, cure="export as JSON, not JSON_MIN or CSV")
        missing = [name for name in ("question", *ORIGIN) if name not in data]
        if missing or not isinstance(data["negative_ids"], list) or not isinstance(data["suggested"], list):
            told = ", ".join(missing) or "negative_ids or suggested as they were written"
            raise InputError(f"its data lacks {told}", where=where, cure="import the file that `curate review export` wrote, whole")
        if not all(isinstance(given, dict) for given in task["annotations"]):
            raise InputError("has an annotation of an unknown form", where=where, cure="export the project from Label Studio as JSON")
        yield where, task


def _person(given: Mapping[str, Any]) -> object:
    """Who an annotation is by: an e-mail, a number, or nothing."""
    who = given.get("completed_by")
    return who.get("email") or who.get("id") if isinstance(who, dict) else who


def _name(given: Mapping[str, Any], alone: str) -> str:
    who = _person(given)
    return alone or (who if isinstance(who, str) and who else f"user {who}")


def _answer(data: Mapping[str, Any], given: Mapping[str, Any], where: str, reviewer: str, review: Review) -> Answer:
    said = _said(given.get("result"), where)
    verdicts = said.get(labels.VERDICT, [])
    if len(verdicts) != 1:
        raise InputError(
            f"{reviewer} gave {len(verdicts)} verdicts", where=where, cure="choose one verdict in Label Studio, or skip the task"
        )
    negative_ids = tuple(str(name) for name in data["negative_ids"])
    return Answer(
        triplet_id=str(data["triplet_id"]),
        reviewer=reviewer,
        verdict=labels.read_verdict(verdicts[0], where, review),
        hardness=labels.read_hardness("".join(said.get(labels.HARDNESS, [])), where),
        issues=labels.read_issues(said.get(labels.ISSUES, []), len(negative_ids), where, review),
        suggested=labels.read_issues([str(name) for name in data["suggested"]], len(negative_ids), where, review),
        rewrite="\n".join(said.get(labels.REWRITE, [])),
        question_id=str(data["question_id"]),
        question=str(data["question"]),
        negative_ids=negative_ids,
        answered_at=_moment(given, where),
        desk=DESK,
    )


def _moment(given: Mapping[str, Any], where: str) -> str:
    """When it was given, in UTC, in the form that every desk uses: answers of two desks are ordered by it."""
    told = str(given.get("updated_at") or given.get("created_at") or "")
    try:
        return datetime.fromisoformat(told).astimezone(UTC).isoformat(timespec="seconds")
    except ValueError:
        raise InputError(
            f"updated_at {told!r} is not a time", where=where, cure="export the project from Label Studio as JSON"
        ) from None


def _said(result: Any, where: str) -> dict[str, list[str]]:
    """What each control was given, by the control's name; a control that another page added is left alone."""
    said: dict[str, list[str]] = {}
    for part in result if isinstance(result, list) else []:
        value = part.get("value") if isinstance(part, dict) else None
        if not isinstance(value, dict):
            raise InputError("has a result without a value", where=where, cure="export the project from Label Studio as JSON")
        given = value.get(str(part.get("type")), value.get("text", []))
        said[str(part.get("from_name"))] = [str(item) for item in (given if isinstance(given, list) else [given])]
    return said
