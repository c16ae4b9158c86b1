"""Status, explain and report: what they say about a run at every stage, and that no text in them is obeyed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from curated import Run, gold_rows, human, make_question, small_run, verdict, write_gold

from triplette.curate.dataset.build import build
from triplette.curate.quota import quota_of
from triplette.curate.tell.explain import explain, lines_of, render
from triplette.curate.tell.report import render as render_report
from triplette.curate.tell.report import write_report
from triplette.curate.tell.status import read_status
from triplette.curate.validation.validate import validate
from triplette.errors import InputError, MissingStage
from triplette.records import Question, Triplet, Verdict
from triplette.rundir import RunDir
from triplette.settings.build import BuildSettings
from triplette.settings.validate import ValidateSettings
from triplette.site import FRONT
from triplette.tables import write_records

EVIL = "<script>alert('é')</script> [red]le roque[/red] \x1b[31m & \"guillemets\" est-il permis ?"


@pytest.fixture
def run() -> Run:
    return small_run(10)


def finished(run: Run, tmp_path: Path) -> RunDir:
    place = run.write(tmp_path / "run")
    build(place, BuildSettings(), gold=write_gold(tmp_path / "gold.jsonl", gold_rows(run)))
    validate(place, ValidateSettings(review_quota=0.0))
    return place


@pytest.mark.parametrize(
    ("population", "quota", "required"), [(30, 0.1, 3), (31, 0.1, 4), (1, 0.1, 1), (0, 0.1, 0), (10, 0.0, 0), (7, 1.0, 7)]
)
def test_the_quota_is_rounded_up_for_every_kind(population: int, quota: float, required: int) -> None:
    kinds = {f"t{n}": "factual" for n in range(population)}
    assert quota_of(kinds, [], quota).required == required


def test_a_surplus_in_one_kind_does_not_fill_another() -> None:
    kinds = {**{f"a{n}": "factual" for n in range(10)}, **{f"b{n}": "scenario" for n in range(10)}}
    quota = quota_of(kinds, ["a1", "a2", "a3", "a3", "elsewhere"], 0.2)
    assert (quota.required, quota.done, quota.missing) == (4, 3, 2)
    assert quota.as_json()["strata"]["scenario"] == {"population": 10, "required": 2, "done": 0, "missing": 2}


def test_status_of_an_empty_run_names_the_first_command(tmp_path: Path) -> None:
    status = read_status(RunDir(tmp_path / "nothing"))
    assert [step.left for step in status.steps] == [None, None, None]
    assert status.gate_lines() == [
        f"gate: there is no chunks.parquet\n  help: run `synth chunk --corpus DIR --run {tmp_path / 'nothing'}`"
    ]


def test_status_follows_the_rows_and_names_the_earliest_cause(run: Run, tmp_path: Path) -> None:
    place = run.write(tmp_path)
    place.path("verdicts/dedup.parquet").unlink()
    status = read_status(place)
    assert [blocker.reason for blocker in status.blockers] == ["there is no verdicts/dedup.parquet"]
    assert "curate dedup" in status.blockers[0].cure
    assert [(step.name, step.left) for step in status.steps][3:] == [
        ("judged and reviewed", 40),
        ("deduplicated", None),
        ("built into the dataset", None),
    ]


def test_before_the_judge_ran_no_row_has_fallen_out_as_unjudged(run: Run, tmp_path: Path) -> None:
    place = run.write(tmp_path)
    for name in ("judge", "dedup"):
        place.path(f"verdicts/{name}.parquet").unlink()
    status = read_status(place)
    assert status.reasons == {}
    assert "no verdicts/judge.parquet" in status.gate_lines()[0]
    told = "\n".join(lines_of(explain(place, run.questions[0].text.split()[0])))
    assert "(not judged yet)" in told
    assert "unjudged" not in told


def test_a_step_that_made_more_than_there_is_now_has_no_negative_loss(run: Run, tmp_path: Path) -> None:
    place = run.write(tmp_path)
    write_records(place.path("questions.parquet"), run.questions[:3], Question)  # written again, and not mined again
    assert {step.name: step.lost for step in read_status(place).steps}["negatives mined"] is None


def test_status_counts_every_row_that_fell_out(run: Run, tmp_path: Path) -> None:
    run.replace_verdict("judge", run.triplets[0].id, decision="reject", reason="copies: 9 words")
    run.replace_verdict("dedup", run.triplets[1].id, decision="reject", reason=f"duplicate of {run.triplets[2].id}")
    run.human = [human(run.triplets[3].id, "keep"), human(run.triplets[3].id, "reject", who="bob")]
    status = read_status(finished(run, tmp_path))
    assert [(step.entered, step.left, step.lost) for step in status.steps][3:] == [(40, 38, 2), (38, 37, 1), (37, 37, 0)]
    assert status.reasons == {
        ("curate.judge", "copies"): 1,
        ("curate.review", "people are unsure"): 1,
        ("curate.dedup", "duplicate"): 1,
    }
    assert status.undecided == (run.triplets[3].id,)
    assert "reviewers are undecided about 1 triplets" in status.gate_lines()[-1]
    assert status.as_json()["gate"]["open"]


def test_status_says_when_verdicts_are_newer_than_the_dataset(run: Run, tmp_path: Path) -> None:
    place = finished(run, tmp_path)
    assert read_status(place).gate_lines() == ["the gate is open: `train run`"]
    run.human = [human(run.triplets[0].id, "reject")]
    run.write(place.root)
    assert [blocker.reason for blocker in read_status(place).blockers] == ["rows or verdicts changed after the dataset was built"]


def test_explain_tells_the_whole_life_of_a_row(run: Run, tmp_path: Path) -> None:
    first = run.triplets[0]
    rewritten = replace(
        make_question(run.chunks[0], "Le roque numéro 0 reste-t-il permis ?", provider="human"), parent=first.question_id
    )
    run.rewrites, run.human = [rewritten], [human(first.id, "keep")]
    dropped = first.negatives[1].chunk_id
    run.replace_verdict("negatives", f"{first.id}/{dropped}", decision="unsure", reason="near-duplicate of the positive")
    place = finished(run, tmp_path)
    place.record("train.fit", inputs=place.fingerprints(["dataset/train.parquet"]), outputs=[], settings={}, counts={}, seconds=1.0)
    place.record("train.fit", inputs={"dataset/train.parquet": "another"}, outputs=[], settings={}, counts={}, seconds=2.0)
    story = explain(place, first.id)
    assert story["state"] == "accepted"
    assert story["chunk"]["page_start"] == 1
    assert [item["id"] for item in story["written"]] == [rewritten.id, first.question_id]
    assert [item["fate"] for item in story["negatives"]] == ["kept", "unsure: near-duplicate of the positive", "kept"]
    assert [(v["judge"], v["judge_name"]) for v in story["verdicts"] if v["subject_kind"] == "triplet"] == [
        ("rules", "rules-1"),
        ("rules", "dedup"),
        ("human", "ada"),
    ]
    assert story["dataset"]["split"] == "train"
    assert (story["expectations"], [item["seconds"] for item in story["used_by"]]) == ([], [1.0])
    text = "\n".join(lines_of(story))
    for part in ("document0.md, pages 1-1", "BM25 rank 1", "prompt 1", "verdict: human ada: keep", "train row 0", "used by train.fit"):
        assert part in text


def test_explain_names_the_expectations_that_a_row_fails(run: Run, tmp_path: Path) -> None:
    bad = run.add(0, "What is the penalty for an illegal move during the game?")
    run.judge_everything()
    story = explain(finished(run, tmp_path), bad.id)
    assert story["expectations"] == ["question_language (critical)"]


def test_explain_finds_a_row_by_its_words_ids_or_chunk(run: Run, tmp_path: Path) -> None:
    place = finished(run, tmp_path)
    first = run.triplets[0]
    for subject in (first.id, first.question_id, first.question, first.question.upper().rstrip(" ?"), "quand le roque numero 0"):
        assert explain(place, subject)["id"] == first.id
    chunk = explain(place, run.chunks[3].id)
    assert (chunk["state"], len(chunk["questions"]), len(chunk["negative_of"])) == ("chunk", 4, 12)
    assert "negative of:" in "\n".join(lines_of(chunk))
    gold = explain(place, "applique-t-on la disposition 4 en salle 3")
    assert (gold["state"], gold["dataset"]["origin"]) == ("gold", "gold")


def test_explain_tells_what_fell_out_and_lists_what_is_unclear(run: Run, tmp_path: Path) -> None:
    lost = run.triplets[0]
    run.replace_verdict("judge", lost.id, decision="reject", reason="copies: 9 words")
    place = finished(run, tmp_path)
    story = explain(place, lost.id)
    assert story["because"] == {"step": "curate.judge", "reason": "copies", "detail": "reject: copies: 9 words"}
    assert story["dataset"] is None
    assert story["rejected"][0]["step"] == "curate.judge"
    several = explain(place, "numéro 5")
    assert (several["state"], len(several["matches"])) == ("several", 4)
    assert {match["state"] for match in several["matches"]} == {"accepted"}
    lines = lines_of(several)
    assert lines[0].startswith("4 questions fit 'numéro 5'")
    assert all(match["id"] in line and match["question"] in line for match, line in zip(several["matches"], lines[1:], strict=True))
    with pytest.raises(InputError, match="nothing in this run"):
        explain(place, "bicyclette")


def test_explain_works_before_mining_and_for_a_question_that_was_never_written(run: Run, tmp_path: Path) -> None:
    place = run.write(tmp_path)
    place.path("triplets.parquet").unlink()
    story = explain(place, run.questions[0].id)
    assert (story["state"], story["chunk"]["id"]) == ("not mined yet", run.chunks[0].id)
    with pytest.raises(MissingStage, match="synth chunk"):
        explain(RunDir(tmp_path / "nothing"), "x")


def test_what_documents_say_is_not_obeyed_on_the_terminal(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = run.add(0, EVIL)
    run.judge_everything()
    render(explain(finished(run, tmp_path), evil.id))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "[red]le roque[/red]" in out


class _Page(HTMLParser):
    """Notes tags, and refuses one that is closed without being open."""

    VOID = ("meta", "link", "br", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag


GROUNDS = (("body", "backgroundColor"), ("svg rect", "fill"))


@pytest.fixture
def varied(run: Run) -> Iterator[Run]:
    """A run with something in every section of the report, and markup in every text."""
    evil = run.add(0, EVIL, provider="<b>writer</b>", model='"&')
    run.chunks[1] = replace(run.chunks[1], title="<img src=x onerror=alert(1)>", text="</p><script>alert(2)</script>")
    run.judge_everything()
    run.replace_verdict("judge", run.triplets[1].id, decision="reject", reason="<i>copies</i>: 9", score=float("nan"))
    run.replace_verdict("dedup", run.triplets[2].id, decision="reject", reason="duplicate of <b>", group="g1")
    run.replace_verdict("dedup", run.triplets[3].id, group="g1")
    run.replace_verdict("negatives", f"{evil.id}/{evil.negatives[0].chunk_id}", decision="unsure", reason="<u>why</u>")
    return run


def test_the_report_is_one_page_without_scripts_or_network_and_every_text_is_escaped(varied: Run, tmp_path: Path) -> None:
    place = finished(varied, tmp_path)
    path = write_report(place)
    text = path.read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert not {"script", "img", "iframe", "link", "object"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert [value for name, value in page.attributes if name in ("src", "href") and not str(value).startswith("#")] == [FRONT]
    assert "default-src 'none'" in text
    for section in (
        "Funnel",
        "Scores of the judge",
        "Negatives",
        "Kinds",
        "Clusters",
        "Human review",
        "kept at random",
        "rejected at random",
    ):
        assert section in text
    assert text.count("<article") == 20 + 2
    assert "&lt;script&gt;alert" in text
    assert render_report(place, seed=0, front=FRONT) == text
    assert FRONT not in write_report(place, tmp_path / "alone.html").read_text(encoding="utf-8")
    assert 'href="report.html"' in place.path(FRONT).read_text(encoding="utf-8")


def test_a_report_before_judging_says_what_to_do_and_before_mining_refuses(run: Run, tmp_path: Path) -> None:
    place = run.write(tmp_path / "run")
    for name in ("judge", "negatives", "dedup"):
        place.path(f"verdicts/{name}.parquet").unlink()
    text = render_report(place)
    assert "Nothing is judged yet" in text
    assert "Counted once the dataset is built" in text
    with pytest.raises(MissingStage):
        write_report(RunDir(tmp_path / "nothing"))


def test_a_report_on_nothing_but_empty_files_still_renders(tmp_path: Path) -> None:
    place = Run([], [], []).write(tmp_path)
    write_records(place.path("triplets.parquet"), [], Triplet)
    write_records(place.path("questions.parquet"), [], Question)
    write_records(place.path("verdicts/human.parquet"), [verdict("t1", "triplet", "keep", judge="human")], Verdict)
    page = _Page()
    page.feed(render_report(place))
    assert page.open == []


@pytest.mark.slow
def test_a_browser_draws_the_site_at_three_widths_in_light_and_dark(varied: Run, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium on this machine")
    place = finished(varied, tmp_path)
    write_report(place)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        for width, scheme in ((360, "light"), (768, "dark"), (1280, "dark")):
            page, said = opened.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme), []
            page.on("console", lambda message, said=said: said.append(message.text))
            page.goto(place.path(FRONT).as_uri())
            page.get_by_role("link", name="Data report").click()
            assert page.locator("svg").count() >= 8
            assert page.evaluate("document.documentElement.scrollWidth") == width
            ground, bar = (page.evaluate(f"getComputedStyle(document.querySelector('{name}')).{what}") for name, what in GROUNDS)
            assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(13, 17, 23)")
            assert bar == "rgb(74, 125, 189)"  # the page's colour reached the chart
            page.get_by_role("link", name="This run").click()
            page.get_by_role("heading", name="Run ").wait_for()
            assert said == []
            page.close()
        opened.close()
