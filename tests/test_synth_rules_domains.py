"""Folders that are nothing like chess: their questions have no word of another domain, and each is asked by a neutral persona."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from triplette.languages.fr import LANGUAGE
from triplette.languages.fr.rules import write_questions
from triplette.languages.fr.rules.clauses import clause
from triplette.languages.fr.rules.facts import fact_questions
from triplette.languages.fr.rules.vocabulary import using
from triplette.languages.fr.rules.writer import candidates_of
from triplette.languages.text import fold
from triplette.profile import load_profile, run_profile
from triplette.records import Chunk, Question, Triplet
from triplette.rundir import RunDir
from triplette.settings.llm import LlmSettings
from triplette.settings.mine import MineSettings
from triplette.settings.synth import ChunkSettings
from triplette.settings.write import WriteSettings
from triplette.synth.chunk import chunk_corpus, load_chunks
from triplette.synth.generate import generate
from triplette.synth.importing import import_questions
from triplette.synth.llm_writer import requests_of
from triplette.tables import read_records

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data"
FRENCH = ("natation", "bibliotheque", "confidentialite", "cuisine")
CHESS = frozenset(
    "arbitre arbitres joueur joueurs joueuse adversaire adversaires echecs echiquier federation federations ffe fide elo roque pion pions "
    "pendule tournoi tournois championnat partie parties blitz capitaine licence licencie ronde appariement".split()
)

# without the words that French has elsewhere too
STRICT = CHESS - set("partie parties licence licencie federation federations championnat tournoi".split())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunDir]:
    """The whole chain over each French folder."""
    made = {}
    for name in FRENCH:
        run = RunDir(tmp_path_factory.mktemp(name) / "run")
        generate(run, DATA / name, ChunkSettings(), WriteSettings(), LlmSettings(), MineSettings())
        made[name] = run
    return made


def questions_of(run: RunDir) -> list[Question]:
    return read_records(run.path("questions.parquet"), Question)


@pytest.mark.parametrize("name", FRENCH)
def test_a_folder_gives_its_own_questions_and_no_word_of_another_domain(name: str, runs: dict[str, RunDir]) -> None:
    run = runs[name]
    questions, told = questions_of(run), set(LANGUAGE.folded_words(" ".join(f"{c.title} {c.text}" for c in load_chunks(run))))
    assert len(questions) >= 2 * len(load_chunks(run))
    for question in questions:
        foreign = (set(LANGUAGE.folded_words(question.text)) & CHESS) - told
        assert not foreign, f"{foreign} in {question.text}"
        assert "de la fédération" not in question.text
    assert {question.persona for question in questions} <= set(load_profile("fr").persona_names)
    assert run_profile(run).name == "fr"
    assert read_records(run.path("triplets.parquet"), Triplet)


def test_a_title_is_said_as_it_is_written_without_an_issuer(runs: dict[str, RunDir]) -> None:
    named = [q.text for run in runs.values() for q in questions_of(run) if "selon le règlement" in q.text.lower()]
    assert named
    assert all(
        re.search(r"règlement intérieur (?:du club de natation des Trois Rivières|de la bibliothèque du Moulin)\b(?! de la)", text)
        for text in named
    )


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Les nageurs arrivent une heure avant l'échauffement collectif.", r"à quel moment .* une heure \?"),
        ("La piscine reste fermée pendant trente minutes après le dernier coup de tonnerre.", r"pendant \?"),
        ("Les compétiteurs s'entraînent trois fois par semaine.", r"[Qq]u'entraînent"),
        ("Chaque enfant doit être accompagné d'un adulte pendant la séance.", r"faut-il accompagner"),
        ("La cuisson est contrôlée par le chef avec une sonde.", r"du cuisson|cuisson (?:est|doit)-il"),
        ("Le locataire laisse entrer le bailleur pour les travaux urgents.", r"[Qq]ui laisse"),
        ("Chaque employé porte une veste propre et une coiffe.", r"[Qq]ui porte"),
        ("La direction répond dans les quinze jours.", r"[Qq]ui répond"),
        ("La réservation ouvre deux semaines avant la séance du samedi.", r"ouvre-t-elle avant"),
        ("Le stationnement en zone bleue ne dépasse pas une heure et demie.", r"dépasse-t-il"),
        ("Le compte d'un client contient son nom, son adresse et son numéro de téléphone.", r"contient-il son nom"),
        ("Les taxis et les ambulances déposent les patients au niveau zéro.", r"-elles"),
        ("La durée est réduite à neuf mois pour un étudiant. Le contrat prend alors fin sans renouvellement.", r"fin sans"),
        (
            "Le véhicule doit quitter la borne de recharge dès que la charge est terminée.",
            r"recharge \?",
        ),
        ("Un plat chaud est servi à soixante-trois degrés. Un plat à garder est refroidi à dix degrés.", r"distingue|différence"),
        ("Une sonde mesure la température au cœur du plat.", r"coeur"),
        ("Un inventaire complet du mobilier est effectué à la fin de chaque location.", r"[Cc]omment"),
        ("La remise des prix a lieu quarante minutes au plus après la course.", r"[Oo]ù"),
        ("La visite médicale a lieu sur rendez-vous.", r"[Oo]ù|[Qq]uand"),
        ("Les stagiaires de moins de quinze ans sont accompagnés d'un adulte.", r"[Dd]e quoi"),
        ("Les meubles ne sont pas repris. Les meubles restants sont alors déposés à la déchetterie.", r"déposés"),
        (
            "Toute coupe de bois fait l'objet d'une demande écrite au moins dix jours avant le début du chantier.",
            r"[Cc]ombien|[Jj]usqu'à",
        ),
        ("En cas de panne, la machine à laver est arrêtée, vidée et débranchée.", r"devient"),
        ("Un cahier tenu à la loge indique le nom des entreprises.", r"[Qq]u'indique"),
        ("Les familles évitent d'y laisser des objets de valeur.", r"d'y laisser"),
        ("Le maire peut l'accorder à une autre personne du quartier.", r"l'accorder"),
        ("Un adulte paie dix euros par séance.", r"[Qq]ui paie"),
        ("Les dossiers complets sont étudiés par une commission en juin.", r"[Cc]omment"),
        ("Chaque exposant reçoit un plan du salon avant le 10 mars.", r"[Jj]usqu'à quand"),
        ("Les exposants arrivent au plus tard quarante minutes avant l'ouverture des portes.", r"arrivent-ils"),
        ("Les vitres brisées sont remplacées à ses frais.", r"ses frais"),
        ("La soutenance a lieu devant deux examinateurs.", r"[Oo]ù a lieu"),
        ("La demande est déposée trente jours avant pour un salon national.", r"avant pour"),
    ],
)
def test_what_reading_those_folders_showed_to_be_wrong_is_not_asked(text: str, wrong: str) -> None:
    questions, _ = write_questions([passage(text, "Cuisson et refroidissement")], load_profile("fr"))
    assert not [question.text for question in questions if re.search(wrong, question.text)]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("La remise des prix a lieu quarante minutes au plus après la course.", "Quand a lieu la remise des prix ?"),
        ("La remise des prix a lieu dans la salle des fêtes du village.", "Où a lieu la remise des prix ?"),
        (
            "Les stagiaires de moins de quinze ans sont accompagnés d'un adulte.",
            "Par qui est-ce que les stagiaires de moins de quinze ans sont accompagnés ?",
        ),
        ("Chaque exposant reçoit un plan du salon avant le 10 mars.", "Avant quelle date chaque exposant reçoit-il un plan du salon ?"),
        ("Les dossiers complets sont étudiés par une commission en juin.", "Qui étudie les dossiers complets ?"),
        (
            "Les membres arrivent au plus tard quarante minutes avant l'ouverture des portes.",
            "Combien de minutes avant l'ouverture des portes les membres doivent-ils arriver ?",
        ),
        ("L'arrondi des prix est effectué au centime supérieur.", "Comment est effectué l'arrondi des prix ?"),
    ],
)
def test_what_stands_beside_it_is_still_asked(text: str, question: str) -> None:
    main = clause(text.rstrip("."))
    assert main
    assert question in {candidate.text for candidate in fact_questions(main, 0)}


def passage(text: str, title: str) -> Chunk:
    """A chunk."""
    return Chunk.make(language="fr", text=text, title=title, source="a.md", articles=(), page_start=0, page_end=0, char_start=0, char_end=len(text),
                      tokens=len(text) // 4, tokenizer="estimate")  # fmt: skip


def test_a_bare_decision_is_asked_with_its_heading_even_where_that_is_a_word_of_asking() -> None:
    text = "La décision est prise par le président du comité. Elle peut être contestée devant le tribunal dans les deux mois."
    questions, _ = write_questions([passage(text, "Sanctions")], load_profile("fr"))
    assert questions
    assert all(question.text.startswith("À propos des sanctions, ") for question in questions)
    questions, _ = write_questions([passage(text, "Pendant la séance")], load_profile("fr"))
    assert not [question.text for question in questions if "du pendant" in question.text]


def test_a_kind_that_the_profile_does_not_list_is_not_written(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    base = load_profile("fr")
    chunk_corpus(run, DATA / "cuisine", ChunkSettings())
    only = replace(base, kinds=tuple(kind for kind in base.kinds if kind.name == "procedural"))
    questions, _ = write_questions(load_chunks(run), only)
    assert questions
    assert {question.kind for question in questions} == {"procedural"}


def test_a_profile_of_ones_own_gives_its_words_to_the_rules() -> None:
    chunk = passage("Le sauveteur doit interdire la baignade en cas d'orage. Il est interdit de plonger du bord.", "Baignade")
    base = load_profile("fr")
    own = replace(
        base,
        collection="le règlement de la plage",
        personas=(replace(base.personas[0], name="baigneur"), *base.personas[1:]),
        words=replace(base.words, persons=("sauveteur",)),
    )
    asked = {}
    for profile in (base, own):
        with using(profile):
            asked[profile.collection] = candidates_of(chunk)
    plain, told = ({candidate.text for candidate in found} for found in asked.values())
    assert (
        "Le sauveteur est-il tenu d'interdire la baignade ?" in {text.replace("obligé de", "tenu d'") for text in told - plain} | told
    )
    assert {candidate.voice for candidate in asked["le règlement de la plage"]} == {"", "baigneur"}


def test_an_english_folder_is_chunked_imported_and_asked_about_with_the_neutral_english_profile(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    chunk_corpus(run, DATA / "cycling", ChunkSettings())
    assert run_profile(run) == load_profile("en")
    result = import_questions(run, DATA / "cycling" / "questions.jsonl")
    assert (result.questions, result.rejected, result.notes) == (10, {}, ())
    assert {question.persona for question in questions_of(run)} == {"reader", "professional", "beginner"}
    requests = requests_of(load_chunks(run), WriteSettings(writer="llm"), run_profile(run))
    assert all(request.messages[0]["content"].startswith("You write search questions in English.") for request in requests)
    assert "persona=reader" in "".join(request.messages[1]["content"] for request in requests)


def test_imported_terms_that_the_profile_does_not_know_are_unknown_and_told(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    chunk_corpus(run, DATA / "cycling", ChunkSettings())
    rows = [
        {
            "question": "Who leads?",
            "source": "rides.md",
            "text": "The ride leader calls out holes",
            "kind": "riddle",
            "persona": "arbitre",
        },
        {"question": "What does it cost?", "source": "rides.md", "text": "The fee is thirty pounds a year.", "category": "Fact"},
        {"question": "What is a spare tube for?", "source": "rides.md", "text": "carries a spare tube", "persona": "NOVICE"},
    ]
    path = tmp_path / "q.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    result = import_questions(run, path)
    assert [(q.kind, q.persona) for q in questions_of(run)] == [("unknown", "unknown"), ("factual", "unknown"), ("unknown", "beginner")]
    assert len(result.notes) == 2
    assert "no kind 'riddle' (1)" in result.notes[0]
    assert "no persona 'arbitre' (1)" in result.notes[1]


def strings_of(path: Path) -> Iterator[str]:
    """The string constants of a module, docstrings apart: they are what a run can say."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


@pytest.mark.parametrize("folder", ["triplette/languages/fr/rules", "synth", "curate/judge", "curate/review", "triplette/profile"])
def test_no_code_that_asks_or_judges_holds_a_word_of_chess(folder: str) -> None:
    for path in sorted((ROOT / folder).glob("*.py")):
        for text in strings_of(path):
            found = STRICT & set(re.findall(r"\w+", fold(text).lower()))
            assert not found, f"{path.name}: {found} in {text[:80]!r}"


@pytest.mark.parametrize(
    "path", [*(ROOT / "synth" / "prompts").glob("*.md"), *(ROOT / "curate" / "judge" / "prompts").glob("*.md")], ids=lambda p: p.name
)
def test_no_prompt_holds_a_word_of_chess(path: Path) -> None:
    assert not STRICT & set(re.findall(r"\w+", fold(path.read_text(encoding="utf-8")).lower()))
