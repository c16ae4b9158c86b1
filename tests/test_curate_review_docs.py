"""docs/review.md: its compose file is YAML with every service, its commands and settings exist."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from triplette.settings.review import ReviewSettings

PAGE = Path(__file__).parents[1] / "docs" / "review.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_compose_file_has_the_services_that_argilla_needs() -> None:
    yaml = pytest.importorskip("yaml")
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    compose = yaml.safe_load(block)
    assert set(compose["services"]) == {"argilla", "worker", "postgres", "elasticsearch", "redis"}
    for name in ("argilla", "worker"):
        settings = compose["services"][name]["environment"]
        assert {"ARGILLA_DATABASE_URL", "ARGILLA_ELASTICSEARCH", "ARGILLA_REDIS_URL", "ARGILLA_AUTH_SECRET_KEY"} <= set(settings)
    published = {name for name, service in compose["services"].items() if "ports" in service}
    assert published == {"argilla"}


def test_the_settings_that_the_page_names_exist() -> None:
    known = {field.name for field in dataclasses.fields(ReviewSettings)}
    (block,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert set(tomllib.loads(block)["curate"]["review"]) <= known
    assert "active_share" in known


def test_the_pictures_are_there() -> None:
    for name in re.findall(r"\]\((images/[^)]+)\)", TEXT):
        assert (PAGE.parent / name).stat().st_size > 10_000, name
