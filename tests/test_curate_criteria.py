"""The judge's criteria have one table: one entry more and every place that speaks of criteria speaks of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from triplette.criteria import CRITERIA, NAMES
from triplette.curate.judge.llm import rubric
from triplette.curate.judge.rules import RULES
from triplette.curate.review.labels import CRITERION_ISSUES, PLAIN_ISSUES
from triplette.profile import load_profile
from triplette.settings.judge import JudgeSettings

ROOT = Path(__file__).parent.parent
PROMPTS = sorted((ROOT / "curate/judge/prompts").glob("judge-*.md"))

ONE_MORE = r"""
from triplette import criteria

criteria.CRITERIA = (*criteria.CRITERIA, criteria.Criterion(
    "brevity", 0.6, "nobody would type so much", "brevity", "ambiguous", scale="could it be shorter?\n  5 not by a word; 1 by half."
))
criteria.NAMES = tuple(criterion.name for criterion in criteria.CRITERIA)

from triplette.curate.dataset import card
from triplette.curate.judge import llm, rules
from triplette.curate.review import labels
from triplette.curate.tell import report
from triplette.errors import InputError
from triplette.profile import load_profile
from triplette.records import Score
from triplette.settings.base import build, template
from triplette.settings.judge import JudgeSettings

settings = build(JudgeSettings, {"min_brevity": 0.7}, where="here")
assert settings.floor("brevity") == 0.7
assert JudgeSettings().floor("brevity") == 0.6
assert "min_brevity = 0.6" in template({"curate.judge": JudgeSettings})
assert "brevity" in llm.judgement_form().model_fields
assert rules.decide((Score("clarity", 1.0, "clear"), Score("brevity", 0.65, "eighty words")), settings) == (
    "reject", "brevity: eighty words", 0.65,
)
for code in ("en", "fr"):
    system, _ = llm.rubric("judge-v1", load_profile(code))
    assert "\nbrevity, could it be shorter?\n  5 not by a word; 1 by half.\n" in system
    assert ', "brevity": {"reason": "…", "score": 1}}' in system
    assert system.count("brevity") == 2
llm.CRITERIA = (*criteria.CRITERIA[:-1], criteria.Criterion("brevity", 0.6, "nobody would type so much", "brevity"))
try:
    llm.rubric("judge-v1", load_profile("en"))
except InputError as error:
    assert "'judge-v1' does not explain brevity in English" in str(error)
else:
    raise AssertionError("a rubric that does not speak of a criterion was used")
assert report.NAMES[-1] == "brevity"
assert labels.CRITERION_ISSUES["brevity"] == "ambiguous"
assert card.CRITERIA[-1].told == "brevity"
rules.RULES["brevity"] = lambda signals: Score("brevity", 1.0, f"{signals} words")
rules.RULES.update({name: (lambda signals, n=name: Score(n, 1.0, "")) for name in criteria.NAMES[:-1]})
assert [score.criterion for score in rules.judge_by_rules(7)] == list(criteria.NAMES)
"""


def test_a_new_criterion_is_one_entry() -> None:
    done = subprocess.run([sys.executable, "-c", ONE_MORE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", PROMPTS, ids=lambda path: path.stem)
def test_every_rubric_explains_every_criterion_and_shows_its_place_in_the_answer(path: Path) -> None:
    version, _, code = path.stem.partition(".")
    system, _ = rubric(version, load_profile(code))
    for name in NAMES:
        assert f"\n{name}, " in system
        assert f'"{name}": {{"reason": ' in system


def test_the_built_in_judge_has_rules_for_known_criteria_only_and_review_an_issue_for_each_that_names_one() -> None:
    assert {"independence", "realism", "clarity", "relevance"} <= set(RULES) <= set(NAMES)
    assert {criterion.name: criterion.issue for criterion in CRITERIA if criterion.issue} == CRITERION_ISSUES
    assert set(CRITERION_ISSUES.values()) <= set(PLAIN_ISSUES)


def test_every_criterion_has_a_floor_that_can_be_set() -> None:
    settings = JudgeSettings()
    assert {criterion.name: criterion.floor for criterion in CRITERIA} == {name: settings.floor(name) for name in NAMES}
