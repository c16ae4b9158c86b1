"""A reviewer's hour in a real browser: the chess rules' queue is served, read, answered and pulled, and the gate's count moves.

Screenshots go to docs/images/ when REVIEW_SCREENSHOTS=1, else to the test's own directory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from triplette.curate.review.serve.home import Home
from triplette.curate.review.serve.supervise import free_port
from triplette.gate import read_gate
from triplette.rundir import RunDir

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
MINUTES = 300  # seconds that a command may take on a machine with other work; nothing is measured by it
PATIENCE = 60_000  # milliseconds that a page may take on a busy machine
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def cli(name: str, *arguments: str, expected: tuple[int, ...] = (0,)) -> str:
    """Run one of the product's commands to its end; its standard output."""
    command = [sys.executable, "-m", f"{name}.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=5 * MINUTES, check=False)
    assert done.returncode in expected, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def cli_json(name: str, *arguments: str) -> dict[str, Any]:
    """The same with --json."""
    return dict(json.loads(cli(name, *arguments, "--json")))


@pytest.fixture(scope="module")
def rules_run(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """The sample corpus, from documents to a built dataset."""
    run = RunDir(tmp_path_factory.mktemp("rules") / "run")
    where = ("--run", str(run.root))
    cli("synth", "generate", "--corpus", "fr_rules", *where)
    for command in ("judge", "dedup", "build"):
        cli("curate", command, *where)
    return run


@pytest.fixture(scope="module")
def served(rules_run: RunDir) -> Iterator[str]:
    """The address of the server that `curate review serve` runs, with the queue pushed."""
    command = [
        sys.executable,
        "-m",
        "triplette.curate.cli",
        "review",
        "serve",
        "--run",
        str(rules_run.root),
        "--port",
        str(free_port()),
    ]
    process = subprocess.Popen([*command, "--reviewer", "anne"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    deadline = time.monotonic() + 5 * MINUTES
    home = Home.of(rules_run)
    while not home.running() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.2)
    try:
        assert home.running(), process.communicate(timeout=5)
        cli("curate", "review", "push", "--run", str(rules_run.root), "--overlap", "0")
        yield home.running()
    finally:
        process.terminate()
        process.communicate(timeout=MINUTES)


@pytest.fixture
def page(served: str) -> Iterator[Any]:
    """A Chromium page that reaches nothing but this server."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="fr-FR")
        page.set_default_timeout(PATIENCE)
        local = (served, "data:", "blob:")
        page.route("**/*", lambda route: route.continue_() if route.request.url.startswith(local) else route.abort())
        yield page
        browser.close()


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return ROOT / "docs" / "images" if os.environ.get("REVIEW_SCREENSHOTS") else tmp_path


def waiting(page: Any) -> int:
    """How many records the page says there are in this queue."""
    page.wait_for_timeout(500)
    return int(page.get_by_label("Total Records").first.inner_text().split()[-1])


def tick(page: Any, question: str, value: str) -> None:
    """Choose an answer, unless the judge's suggestion has chosen it already."""
    box = page.locator(f"#{question}_{value}")
    if not box.is_checked():
        page.locator(f"label[for='{question}_{value}']").click()
    page.wait_for_function("id => document.getElementById(id).checked", arg=f"{question}_{value}")


def finish(page: Any, button: str) -> None:
    """Submit or discard, and wait for the next record."""
    current = page.get_by_label("Current Record").first
    before = int(current.inner_text())
    page.locator("button", has_text=button).first.click()
    page.wait_for_function(
        "number => document.querySelector('[aria-label=\"Current Record\"]').innerText.trim() === `${number}`", arg=before + 1
    )
    page.wait_for_timeout(500)


def reload(page: Any) -> None:
    """The reviewer's queue afresh, without filter or search."""
    page.goto(page.url.split("?", 1)[0])
    page.get_by_text("Votre verdict").wait_for()


def test_a_reviewer_reads_answers_filters_and_searches_and_the_gate_moves(
    page: Any, served: str, rules_run: RunDir, images: Path
) -> None:
    where = ("--run", str(rules_run.root))
    before = cli_json("curate", "review", "status", *where)
    assert before["quota"]["done"] == 0
    total = before["server"]["pending"]
    assert total >= before["quota"]["required"] > 0

    sign_in(page, served, Home.of(rules_run), images)
    read(page, images, total)
    answer_three(page, images)
    reload(page)
    assert waiting(page) == total - 3
    filter_by_kind(page, images, total - 3)
    search_text(page, images)

    after = cli_json("curate", "review", "pull", *where)
    assert (after["new"], after["discarded"], after["draft"], after["rewrites"]) == (1, 1, 1, 1)
    state = cli_json("curate", "review", "status", *where)
    assert state["quota"]["done"] == 1
    assert state["quota"]["missing"] == before["quota"]["missing"] - 1
    assert {name: state["server"][name] for name in ("submitted", "discarded", "draft")} == {"submitted": 1, "discarded": 1, "draft": 1}
    cli("curate", "build", *where)
    cli("curate", "validate", *where, expected=(0, 1))  # 1: the quota is far from filled
    gate = read_gate(rules_run)
    assert gate.review_done == 1
    assert not gate.open


def sign_in(page: Any, url: str, home: Home, images: Path) -> None:
    account = next(account for account in home.accounts() if account.username == "anne")
    page.goto(f"{url}/sign-in")
    page.locator("input[name=Username]").fill(account.username)
    page.locator("input[name=Password]").fill(account.password)
    page.screenshot(path=images / "review-login.png")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("triplets", exact=True).first.click()
    page.get_by_text("Votre verdict").wait_for()


def read(page: Any, images: Path, total: int) -> None:
    wanted = ("Passage qui doit répondre", "Négatif 1", "Le négatif 1 répond aussi", "Difficulté des négatifs", "Meilleure formulation")
    for words in wanted:
        page.get_by_text(words).first.wait_for()
    assert waiting(page) == total
    page.screenshot(path=images / "review-record.png")
    page.locator("button", has_text="Guidelines").first.click()
    page.get_by_text("Relecture des triplets").first.wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=images / "review-guidelines.png")
    page.locator("button", has_text="Guidelines").first.click()
    page.wait_for_timeout(500)


def answer_three(page: Any, images: Path) -> None:
    """One submitted with everything filled in, one discarded, one saved as a draft."""
    tick(page, "verdict", "valid")
    tick(page, "issues", "negative_1_answers")
    tick(page, "hardness", "4")
    page.locator("[contenteditable=true]").last.click()
    page.keyboard.type("Que dit la règle à propos de ce cas ?")
    page.wait_for_timeout(500)
    page.screenshot(path=images / "review-answered.png")
    finish(page, "Submit")
    finish(page, "Discard")
    tick(page, "verdict", "unsure")
    page.locator("button", has_text="Save as draft").first.click()
    page.wait_for_function("() => document.body.innerText.includes('Draft')")  # a draft stays open


def filter_by_kind(page: Any, images: Path, everything: int) -> None:
    page.locator("button", has_text="Filters").first.click()
    page.get_by_text("Metadata", exact=True).first.click()
    page.get_by_text("Type de question").first.click()
    page.get_by_text("factual", exact=True).first.click()
    page.wait_for_function("words => !document.body.innerText.includes(words)", arg=f"of {everything}")
    page.screenshot(path=images / "review-filter.png")
    assert 0 < waiting(page) < everything
    reload(page)
    assert waiting(page) == everything


def search_text(page: Any, images: Path) -> None:
    everything = waiting(page)
    page.locator("button[data-title=Search]").first.click()
    page.locator("input[role=search]").fill("ECHEC")
    page.keyboard.press("Enter")
    page.wait_for_function("words => !document.body.innerText.includes(words)", arg=f"of {everything}")
    assert 0 < waiting(page) < everything
    page.screenshot(path=images / "review-search.png")
    assert "échec" in page.inner_text("body").lower()
