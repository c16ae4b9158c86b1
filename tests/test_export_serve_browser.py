"""The page of ``train ask --serve`` in a real browser: asked with the keyboard, at three widths, light and dark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from readers import HOSTILE, WordsReader, served

pytestmark = pytest.mark.slow
QUESTION = "Combien de minutes après un coup illégal ?"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine: apt install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(WordsReader("run/tuned", 0.3), WordsReader("run/base", 0.0)) as url:
        yield url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_one_types_a_question_and_reads_two_columns_or_one(browser: Any, address: str, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_selector("input[type=search]:focus")  # nobody clicked; the focus comes with the first frame
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    page.wait_for_selector("article")
    page.wait_for_load_state("load")  # on a busy machine the page may stand there before its stylesheet does, 362 pixels wide
    left, right = (page.locator("section").nth(number).bounding_box() for number in (0, 1))
    assert (left["y"] == right["y"]) is (width >= 768)
    assert page.evaluate("document.documentElement.scrollWidth") == width, "the page is wider than the screen"
    ground, ink = (page.evaluate(f"getComputedStyle(document.body).{name}") for name in ("backgroundColor", "color"))
    assert (brightness(ground) > brightness(ink)) is (scheme == "light")
    assert page.locator("input[type=search]").input_value() == QUESTION
    assert said == []
    assert {url.split("/")[2] for url in asked} == {address.split("/")[2]}
    context.close()


def test_a_passage_that_holds_a_script_is_read_and_not_run(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    page.fill("input[type=search]", HOSTILE)
    page.click("button")
    page.wait_for_selector("article")
    assert page.title().startswith("<script>")
    assert page.locator("article script, article img").count() == 0
    assert page.get_by_text('<script>document.title = "taken"</script>').count() >= 2
    page.close()


def brightness(colour: str) -> int:
    """The sum of a computed rgb(...) colour's parts."""
    return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))
