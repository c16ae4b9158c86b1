"""synth show: triplets picked by filters, printed at 80 columns, texts shown as they are and never obeyed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplette.console import run_app
from triplette.errors import InputError, MissingStage
from triplette.languages.fr import LANGUAGE as FRENCH
from triplette.records import Chunk, Negative, Question, Triplet
from triplette.rundir import RunDir
from triplette.synth.cli import app
from triplette.synth.show import EXCERPT, excerpt, select_triplets
from triplette.tables import write_records

Show = Callable[..., tuple[int, str, str]]
ANSWER = "Le joueur dont le drapeau tombe perd la partie."
FILLING = "La pendule est posée à droite des Noirs. L'arbitre la règle avant la ronde. Chacun la vérifie en s'asseyant. " * 4


def a_chunk(text: str, source: str, *, title: str = "Partie 6", page: int = 0) -> Chunk:
    return Chunk.make(
        language="fr",
        text=text,
        title=title,
        source=source,
        articles=("6.4",),
        page_start=page,
        page_end=page,
        char_start=0,
        char_end=len(text),
        tokens=60,
        tokenizer="estimate",
    )


def a_question(text: str, chunk: Chunk, kind: str) -> Question:
    return Question.make(
        chunk_id=chunk.id,
        text=text,
        kind=kind,
        persona="joueur",
        difficulty="easy",
        provider="rules",
        model="fr",
        prompt="1",
        cost=0.0,
    )


def a_triplet(question: Question, negative: Chunk, *, bm25_rank: int = 0) -> Triplet:
    found = Negative(
        chunk_id=negative.id,
        ranker="both" if bm25_rank else "dense",
        bm25_rank=bm25_rank,
        bm25_score=1.5,
        dense_rank=4,
        dense_score=0.5,
        fused_score=0.02,
        margin=0.25,
        same_source=False,
        why="answer likeness 0.40 under 0.57; another document",
    )
    return Triplet.make(
        question_id=question.id,
        question=question.text,
        positive_id=question.chunk_id,
        positive_bm25=3.0,
        positive_bm25_rank=1,
        positive_dense=0.75,
        positive_dense_rank=2,
        encoder="lsa",
        negatives=[found],
    )


CHUNKS = [
    a_chunk(FILLING + ANSWER, "lois.md", title="Pendules > 6.4 Chute", page=12),
    a_chunk("Le roque déplace [red]le roi[/red] et\x1b[31m une tour.\x07", "rapide.md"),
    a_chunk("La nulle se propose après avoir joué son coup.", "lois.md"),
]
QUESTIONS = [
    a_question("Que perd le joueur dont le drapeau tombe ?", CHUNKS[0], "factual"),
    a_question("Comment se fait le roque [bold]légal[/bold] ?", CHUNKS[1], "procedural"),
    a_question("Quand proposer la nulle à son adversaire ?", CHUNKS[2], "procedural"),
]
TRIPLETS = [
    a_triplet(QUESTIONS[0], CHUNKS[1]),
    a_triplet(QUESTIONS[1], CHUNKS[2], bm25_rank=3),
    a_triplet(QUESTIONS[2], CHUNKS[1]),
]


@pytest.fixture
def mined(run: RunDir) -> RunDir:
    write_records(run.path("chunks.parquet"), CHUNKS, Chunk)
    write_records(run.path("questions.parquet"), QUESTIONS, Question)
    write_records(run.path("triplets.parquet"), TRIPLETS, Triplet)
    return run


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], run: RunDir) -> Show:
    """``synth show`` with these options at 80 columns: exit code, stdout, stderr."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*options: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["synth", "show", "--run", str(run.root), *options])
        with pytest.raises(SystemExit) as stopped:
            run_app(app, "synth")
        out, err = capsys.readouterr()
        return int(stopped.value.code or 0), out, err

    return call


def test_a_triplet_is_printed_with_its_passages_and_their_provenance_in_80_columns(mined: RunDir, show: Show) -> None:
    code, out, err = show("--containing", "drapeau")
    lines = [line.rstrip() for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert lines[:3] == [
        "Que perd le joueur dont le drapeau tombe ?",
        f"  {TRIPLETS[0].id}  factual · joueur · easy · rules/fr/1",
        "  answers: lois.md p. 12 · Pendules > 6.4 Chute",
    ]
    assert "    (BM25 rank 1, dense rank 2)" in lines
    assert lines[-5:] == [
        "  seems to: rapide.md · Partie 6",
        "    Le roque déplace [red]le roi[/red] et\\x1b[31m une tour.\\x07",
        "    (dense: BM25 rank -, dense rank 4, margin 0.25; answer likeness 0.40 under",
        "    0.57; another document)",
        "",
    ]
    assert max(map(len, out.splitlines())) <= 80


def test_texts_are_data_no_markup_is_obeyed_and_no_control_character_reaches_the_terminal(mined: RunDir, show: Show) -> None:
    _, out, _ = show("--full")
    assert "Comment se fait le roque [bold]légal[/bold] ?" in out
    assert "[red]le roi[/red]" in out
    assert not any(not c.isprintable() and c != "\n" for c in out)


def test_the_excerpt_shows_the_sentence_that_answers_and_full_shows_everything(mined: RunDir, show: Show) -> None:
    _, short, _ = show("--containing", "drapeau")
    _, full, _ = show("--containing", "drapeau", "--full")
    assert "drapeau tombe perd la partie." in " ".join(short.split())
    assert "[…]" in short
    assert "[…]" not in full
    assert " ".join(CHUNKS[0].text.split()) in " ".join(full.split())


def test_json_holds_whole_texts_unchanged_control_characters_too(mined: RunDir, show: Show) -> None:
    code, out, _ = show("--kind", "procedural", "--json")
    views = json.loads(out)
    assert code == 0
    assert [view["question"] for view in views] == [QUESTIONS[1].text, QUESTIONS[2].text]
    assert views[0]["positive"]["text"] == CHUNKS[1].text
    assert views[0]["negatives"] == [
        {
            "chunk_id": CHUNKS[2].id,
            "source": "lois.md",
            "page": 0,
            "articles": ["6.4"],
            "title": "Partie 6",
            "language": "fr",
            "text": CHUNKS[2].text,
            "ranker": "both",
            "bm25_rank": 3,
            "dense_rank": 4,
            "margin": 0.25,
            "why": "answer likeness 0.40 under 0.57; another document",
        }
    ]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [0, 1, 2]),
        ({"containing": "à son ADVERSAIRE"}, [2]),
        ({"containing": "legal"}, [1]),
        ({"kind": "factual"}, [0]),
        ({"source": "rapide"}, [1]),
        ({"source": "lois", "kind": "procedural"}, [2]),
        ({"triplet_id": TRIPLETS[2].id}, [2]),
        ({"triplet_id": QUESTIONS[1].id}, [1]),
    ],
)
def test_filters_narrow_together_and_keep_the_order(mined: RunDir, filters: dict[str, str], expected: list[int]) -> None:
    views = select_triplets(mined, count=5, **filters)  # type: ignore[arg-type]
    assert [view["id"] for view in views] == [TRIPLETS[number].id for number in expected]


def test_a_seed_picks_the_same_triplets_again_and_count_bounds_them(mined: RunDir) -> None:
    picks = {seed: [view["id"] for view in select_triplets(mined, count=2, seed=seed)] for seed in range(8)}
    assert all(len(set(ids)) == 2 for ids in picks.values())
    assert len({tuple(ids) for ids in picks.values()}) > 1
    assert picks[3] == [view["id"] for view in select_triplets(mined, count=2, seed=3)]
    assert len(select_triplets(mined, count=9, seed=1)) == 3


def test_nothing_that_matches_is_an_error_with_its_cure(mined: RunDir, show: Show) -> None:
    with pytest.raises(InputError, match="no triplet matches"):
        select_triplets(mined, count=1, containing="pat")
    code, out, err = show("--containing", "pat")
    assert (code, out) == (2, "")
    assert "triplets.parquet: no triplet matches" in err.replace("\n", "")
    assert "help: loosen the filters" in err


def test_before_mining_the_missing_stage_is_named(run: RunDir) -> None:
    with pytest.raises(MissingStage, match=r"triplets\.parquet|chunks\.parquet"):
        select_triplets(run, count=1)


def test_a_short_text_is_its_own_excerpt() -> None:
    assert excerpt("Court. Très court.", "Quoi ?", FRENCH) == "Court. Très court."


def test_an_excerpt_begins_at_the_sentence_that_shares_most_with_the_question() -> None:
    text = f"Début. {ANSWER} {FILLING}"
    assert excerpt(text, "Qui perd quand le drapeau tombe ?", FRENCH, 60).startswith(f"[…] {ANSWER}")
    assert excerpt(text, "Rien de commun ?", FRENCH, 60).startswith("Début.")


def test_an_excerpt_near_the_end_begins_earlier_rather_than_being_short() -> None:
    shown = excerpt(FILLING + ANSWER, "Qui perd quand le drapeau tombe ?", FRENCH, 200)
    assert shown.endswith(ANSWER)
    assert 150 < len(shown) <= 200 + len("[…] ")


def test_a_sentence_is_found_where_it_stands_not_where_its_first_word_stood_before() -> None:
    text = "Voir l'art.  6 et Le guide. Le drapeau tombe ici. " + FILLING
    assert excerpt(text, "Le drapeau tombe ?", FRENCH, 40).startswith("[…] Le drapeau tombe ici.")


@given(
    text=st.text(alphabet="aLe drapeau.!?\n 6é«»-art", max_size=700),
    question=st.text(alphabet="Le drapeau ?", max_size=30),
    length=st.integers(1, EXCERPT),
)
def test_an_excerpt_is_a_piece_of_its_text_within_its_length(text: str, question: str, length: int) -> None:
    shown = excerpt(text, question, FRENCH, length)
    piece = shown.removeprefix("[…] ").removesuffix(" […]")
    assert piece in text
    assert len(piece) <= length
