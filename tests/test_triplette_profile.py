"""Profiles: every field checked, what is extended filled in, kept with the run, the same after writing."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest

from triplette.errors import SettingError
from triplette.profile import (
    Profile,
    as_toml,
    corpus_profile,
    keep_profile,
    load_profile,
    neutral_for,
    neutral_profile,
    profile_names,
    run_profile,
    settings_profile,
)
from triplette.profile.read import read_profile
from triplette.profile.shape import Kind, Persona, Setting, Words
from triplette.records import Chunk
from triplette.rundir import RunDir

OWN = """
extends = "fr"
language = "fr"
[[personas]]
name = "baigneur"
who = "quelqu'un qui vient nager."
[words]
things = "bassin plongeoir"
"""


def written(folder: Path, text: str, name: str = "own.toml") -> Path:
    """A profile's file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def passage(text: str, language: str) -> Chunk:
    """A chunk in a language."""
    place = {"page_start": 0, "page_end": 0, "char_start": 0, "char_end": len(text), "tokens": 9, "tokenizer": "estimate"}
    return Chunk.make(text=text, title="", source="a.md", language=language, **place)


@pytest.mark.parametrize("name", profile_names())
def test_each_profile_that_comes_along_is_whole(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert len(profile.personas) >= 3
    assert set(profile.asked_kinds) == {"factual", "procedural", "scenario", "definition", "comparison", "multi-condition"}
    assert {*profile.kind_names}.difference(profile.asked_kinds) == {"keywords", "title", "claim", "colloquial", "exclusion"}
    assert all(getattr(profile.prompts, field.name) for field in fields(profile.prompts))
    assert profile.review.guidelines.count("\n## ") == 3


@pytest.mark.parametrize("documented", [False, True])
@pytest.mark.parametrize("name", profile_names())
def test_a_profile_written_and_read_is_the_same(name: str, documented: bool, tmp_path: Path) -> None:
    profile = load_profile(name)
    text = as_toml(profile, documented=documented)
    tomllib.loads(text)
    assert read_profile(written(tmp_path, text)) == profile


def test_awkward_text_survives_being_written(tmp_path: Path) -> None:
    awkward = 'a "b" \\ \t\n é\u2028 {} <<x>> <b>x</b> \'\'\' """'
    profile = replace(load_profile("fr"), about=awkward, terms=(awkward,), words=Words(synonyms=((r"\bla\b", awkward),)))
    assert read_profile(written(tmp_path, as_toml(profile))) == profile
    assert tomllib.loads(as_toml(replace(profile, about="a\x7f\x85b")))["about"] == "a\x7f\x85b"


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ('about = "red\\u001b[31m"', "about: holds the control character U\\+001B"),
        ('terms = ["bassin", "a\\u0000b"]', "terms: holds the control character U\\+0000"),
        ('[words]\nanyone = "na\\u202egeur"', "words: anyone: holds the control character U\\+202E"),
    ],
)
def test_text_that_a_terminal_obeys_or_a_page_hides_is_refused_with_its_field(field: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=told):
        read_profile(written(tmp_path, f'extends = "fr"\n{field}\n'))


def test_every_field_is_documented() -> None:
    for cls in (Profile, Persona, Kind, Setting, Words):
        for field in fields(cls):
            assert len(field.metadata["doc"]) > 10, f"{cls.__name__}.{field.name}"
            assert is_dataclass(field.default) or not isinstance(field.default, (list, dict))


def test_a_profile_says_only_its_own_and_takes_the_rest_from_what_it_extends(tmp_path: Path) -> None:
    own, base = read_profile(written(tmp_path, OWN)), load_profile("fr")
    assert own.persona_names == ("baigneur",)
    assert own.words.things == ("bassin", "plongeoir")
    assert (own.kinds, own.prompts, own.review) == (base.kinds, base.prompts, base.review)


@pytest.mark.parametrize(
    ("text", "said", "cure"),
    [
        ("persona = 1\n" + OWN, r"unknown field 'persona' \(did you mean 'personas'\?\)", "profiles.md"),
        (OWN + "thing = 'x'\n", r"words: unknown field 'thing' \(did you mean 'things'\?\)", "profiles.md"),
        (OWN.replace("who =", "weigth = 2\nwho ="), r"personas 1: unknown field 'weigth' \(did you mean 'weight'\?\)", "profiles.md"),
        (OWN.replace('name = "baigneur"', 'name = "un baigneur"'), "'un baigneur' is not a name", "one word"),
        (OWN.replace("quelqu'un qui vient nager.", " "), "baigneur lacks its sentence", "who"),
        (OWN + "units = ['(']\n", r"'\(' is not a pattern", "escape"),
        (OWN.replace('name = "baigneur"', 'name = "baigneur"\nweight = -1'), "-1.0 is outside", "How often"),
        (OWN.replace('language = "fr"', 'language = "French"'), "'French' is not a language", "code"),
        (OWN + '[scenes]\nasker = "arbitre"\n', "'arbitre' is not a persona", "baigneur"),
        (OWN.replace('"fr"', '"frr"', 1), r"no profile 'frr'", "did you mean 'fr'"),
        ("language = 'fr'\n", "has no personas", r"\[\[personas\]\]"),
        ("language = [", "not TOML", "init"),
        ('extends = "own.toml"\n', "extends itself", "extend fr or en"),
    ],
)
def test_a_wrong_field_is_named_with_its_place_and_cure(text: str, said: str, cure: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=said) as caught:
        read_profile(written(tmp_path, text))
    assert re.search(cure, str(caught.value)), str(caught.value)


def test_a_path_in_a_settings_file_is_relative_to_that_file(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    written(tmp_path / "docs", OWN)
    written(tmp_path / "docs", 'profile = "own.toml"\n', "triplette.toml")
    found = corpus_profile(tmp_path / "docs")
    assert found is not None
    assert found.persona_names == ("baigneur",)
    assert settings_profile(written(tmp_path, "[synth.chunk]\n", "plain.toml")) is None
    with pytest.raises(SettingError, match="is not a profile's name"):
        settings_profile(written(tmp_path, "profile = 3\n", "wrong.toml"))


def test_a_run_keeps_its_profile_and_says_whether_it_changed(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    assert run_profile(run) == load_profile("fr")
    assert keep_profile(run, load_profile("en"))
    before = run.fingerprints(["profile.toml"])
    assert not keep_profile(run, load_profile("en"))
    assert run_profile(run) == load_profile("en")
    assert keep_profile(run, load_profile("chess-fr"))
    assert run.fingerprints(["profile.toml"]) != before


def test_without_a_profile_it_is_neutral_in_the_documents_language() -> None:
    long, short = passage("Le prêt est gratuit pour les enfants de la commune.", "fr"), passage("Lending is free.", "en")
    assert neutral_for([short, long, short]).name == "fr"  # by characters, not by passages
    assert neutral_for([short]).name == "en"
    assert neutral_for([passage("Il prestito è gratuito.", "it")]).language == "it"
    assert neutral_for([]).name == "fr"
    assert (neutral_profile("it").language, neutral_profile("it").kinds) == ("it", load_profile("en").kinds)


def test_the_profile_in_the_guide_is_whole(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[1] / "docs" / "profiles.md").read_text(encoding="utf-8")
    block = guide.split("This is a whole profile:")[1].split("3. Name it")[0]
    own = read_profile(written(tmp_path, "\n".join(line.strip() for line in block.splitlines())))
    assert own.persona_names == ("parent", "entraîneur")
    assert own.collection == "le règlement du club"


def test_every_part_of_a_profile_is_in_the_guide() -> None:
    guide = (Path(__file__).parents[1] / "docs" / "profiles.md").read_text(encoding="utf-8")
    assert [
        field.name for field in fields(Profile) if f"`{field.name}`" not in guide and field.name not in ("name", "language", "about")
    ] == []
