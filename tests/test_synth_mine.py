"""Hard negatives: found by both rankers, filtered by what a false negative looks like here, never filled up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triplette.errors import InputError, MissingStage
from triplette.hashing import hash_file
from triplette.languages.fr import LANGUAGE as FRENCH
from triplette.look_alikes import COMMON, look_alikes, other_positives
from triplette.ranking.lsa import LsaEncoder
from triplette.records import Chunk, Question, Triplet
from triplette.rundir import RunDir
from triplette.settings.mine import MineSettings
from triplette.synth.mining.margin import FALLBACK_LIMIT, answering_sentence, open_floor, relative
from triplette.synth.mining.mine import mine, mine_negatives
from triplette.synth.mining.vectors import vectors_on_disk
from triplette.tables import read_records, write_records

TOPICS = {
    "roque": "Le roque déplace le roi et une tour. Le roi avance de deux cases vers la tour. Le roque est interdit après un coup du roi.",
    "drapeau": "Le drapeau tombe quand le temps est écoulé. Le joueur dont le drapeau tombe perd la partie. L'arbitre constate la chute.",
    "nulle": "La partie est nulle par accord mutuel. Une proposition de nulle se fait après avoir joué son coup. L'adversaire peut refuser.",
    "notation": "Chaque joueur note les coups sur sa feuille. La notation algébrique est obligatoire. La feuille appartient à l'organisateur.",
    "téléphone": "Le téléphone est interdit dans la salle. Un téléphone qui sonne fait perdre la partie. L'arbitre peut fouiller un joueur.",
    "appariement": "L'appariement suit le système suisse. Deux joueurs ne se rencontrent jamais deux fois. Un joueur exempt marque un point.",
}


def a_chunk(text: str, source: str, number: int) -> Chunk:
    return Chunk.make(
        language="fr",
        text=text,
        title=f"Partie {number}",
        source=source,
        articles=(),
        page_start=0,
        page_end=0,
        char_start=1000 * number,
        char_end=1000 * number + len(text),
        tokens=60,
        tokenizer="estimate",
    )


def a_question(text: str, chunk: Chunk) -> Question:
    return Question.make(
        chunk_id=chunk.id,
        text=text,
        kind="factual",
        persona="joueur",
        difficulty="easy",
        provider="test",
        model="test",
        prompt="1",
        cost=0.0,
    )


def write_run(run: RunDir, chunks: list[Chunk], questions: list[Question]) -> None:
    write_records(run.path("chunks.parquet"), chunks, Chunk)
    write_records(run.path("questions.parquet"), questions, Question)


def a_corpus() -> tuple[list[Chunk], list[Question]]:
    chunks = [
        a_chunk(f"{text} {' '.join(f'détail{n}{topic}' for _ in range(3))}.", f"{topic}.md", n)
        for n, (topic, text) in enumerate((t, x) for t, x in TOPICS.items() for _ in range(3))
    ]
    questions = [
        a_question(f"Que dit la règle du {topic} au joueur et à l'arbitre de la partie ?", chunks[3 * i])
        for i, topic in enumerate(TOPICS)
    ]
    return chunks, questions


def mined(run: RunDir, **changes: Any) -> list[Triplet]:
    mine_negatives(run, replace(MineSettings(), **changes))
    return read_records(run.path("triplets.parquet"), Triplet)


def test_a_corpus_that_repeats_itself_still_has_negatives(run: RunDir) -> None:
    """Every passage is there three times: were its copies taken for random passages, nothing would be harder than they are."""
    write_run(run, *a_corpus())
    assert mined(run)


def test_a_negative_is_never_the_positive_nor_twice_the_same(run: RunDir) -> None:
    write_run(run, *a_corpus())
    triplets = mined(run)
    assert triplets
    for triplet in triplets:
        ids = [negative.chunk_id for negative in triplet.negatives]
        assert triplet.positive_id not in ids
        assert len(set(ids)) == len(ids)
        assert len(ids) <= 3


def test_a_copy_of_the_positive_in_another_document_is_no_negative(run: RunDir) -> None:
    chunks, questions = a_corpus()
    copy = a_chunk(chunks[0].text, "copie.md", 99)
    write_run(run, [*chunks, copy], questions)
    assert copy.id not in {n.chunk_id for t in mined(run, negatives=32) if t.positive_id == chunks[0].id for n in t.negatives}


def test_a_passage_over_which_the_same_question_was_written_is_no_negative(run: RunDir) -> None:
    chunks, questions = a_corpus()
    again = a_question(questions[0].text.upper(), chunks[5])
    write_run(run, chunks, [*questions, again])
    for triplet in mined(run, negatives=32):
        if triplet.positive_id == chunks[0].id:
            assert chunks[5].id not in {negative.chunk_id for negative in triplet.negatives}


def test_every_negative_says_who_found_it_and_where(run: RunDir) -> None:
    write_run(run, *a_corpus())
    for triplet in mined(run):
        for negative in triplet.negatives:
            assert (
                negative.ranker
                == {(True, True): "both", (True, False): "bm25", (False, True): "dense"}[
                    (negative.bm25_rank > 0, negative.dense_rank > 0)
                ]
            )
            assert negative.margin == pytest.approx(triplet.positive_dense - negative.dense_score, abs=1e-5)
            assert "answer likeness" in negative.why


def test_a_question_with_no_good_negative_is_kept_as_a_pair_and_says_what_fell_out(run: RunDir) -> None:
    chunks, questions = a_corpus()
    lonely = [chunks[0], a_chunk(chunks[0].text, "copie.md", 1)]
    write_run(run, lonely, questions[:1])
    result = mine_negatives(run, MineSettings())
    assert (result.triplets, result.by_count, result.rejected) == (1, {"0": 1}, {"no_good_negative": 1})
    (triplet,) = read_records(run.path("triplets.parquet"), Triplet)
    assert (triplet.question_id, triplet.negatives) == (questions[0].id, ())
    (reject,) = run.read_rejects()
    assert (reject.subject_id, reject.subject_kind, reject.reason) == (triplet.id, "negative", "no_good_negative")
    assert any(note.startswith("1 questions have no hard negative") for note in result.notes)
    assert "1 look-alike of the positive" in reject.detail


@pytest.mark.parametrize("limit", [0.0, 0.01])
def test_a_floor_never_closes_the_window(run: RunDir, limit: float) -> None:
    """A folder about one thing: random passages are as like as the known answers, and the questions still get negatives."""
    words = "le joueur propose la nulle et l'arbitre note la proposition de nulle du joueur".split()
    random = np.random.default_rng(0)
    chunks = [a_chunk(" ".join(random.permutation(words)) + f". Cas {n} de la page.", f"s{n % 3}.md", n) for n in range(14)]
    questions = [a_question(f"Que note l'arbitre dans le cas {n} ?", chunks[n % 14]) for n in range(56)]
    write_run(run, chunks, questions)
    result = mine_negatives(run, replace(MineSettings(), limit=limit))
    assert result.triplets == len({question.id for question in questions})
    assert result.margin.floor < result.margin.limit
    if not limit:
        assert result.margin.limit == FALLBACK_LIMIT
        assert any("too few to tell" in note for note in result.notes)


def test_the_floor_gives_way_to_the_limit() -> None:
    assert [open_floor(0.3, 0.5), open_floor(0.5, 0.5), open_floor(0.5004, 0.5001), open_floor(0.7, 0.5)] == [0.3, 0.0, 0.0, 0.0]


def test_pairs_are_asked_for_with_no_negatives(run: RunDir) -> None:
    chunks, questions = a_corpus()
    write_run(run, chunks, questions)
    triplets = mined(run, negatives=0)
    assert [triplet.question_id for triplet in triplets] == [question.id for question in questions]
    assert not any(triplet.negatives for triplet in triplets)
    assert not run.read_rejects()


def test_questions_over_chunks_that_are_gone_are_an_error_with_its_cure(run: RunDir) -> None:
    chunks, questions = a_corpus()
    write_run(run, chunks[1:], questions)
    with pytest.raises(InputError, match=rf"question {questions[0].id}: its chunk {chunks[0].id} is not in chunks") as caught:
        mine_negatives(run, MineSettings())
    assert "run `synth write`" in str(caught.value)
    assert not run.has("triplets.parquet")


def test_two_negatives_are_not_the_same_passage_twice(run: RunDir) -> None:
    write_run(run, *a_corpus())
    chunks = a_corpus()[0]
    alike = dict(zip([c.id for c in chunks], look_alikes(chunks, MineSettings().containment), strict=True))
    for triplet in mined(run, negatives=32):
        ids = [negative.chunk_id for negative in triplet.negatives]
        numbers = {n for n, chunk in enumerate(chunks) if chunk.id in ids}
        assert not any(alike[name] & numbers for name in ids)


def test_a_limit_of_ones_own_replaces_the_tuned_one(run: RunDir) -> None:
    write_run(run, *a_corpus())
    result = mine_negatives(run, MineSettings(limit=0.3))
    assert (result.margin.limit, result.margin.tuned) == (0.3, False)
    for triplet in read_records(run.path("triplets.parquet"), Triplet):
        assert all(float(negative.why.split()[2]) <= 0.3 for negative in triplet.negatives)


def test_a_limit_that_could_not_be_tuned_is_said(run: RunDir) -> None:
    write_run(run, *a_corpus())
    result = mine_negatives(run, MineSettings())
    assert any("known answers could be made from this corpus" in note for note in result.notes)


def test_an_encoder_of_ones_own_takes_the_place_of_the_named_one() -> None:
    chunks, questions = a_corpus()

    class Named(LsaEncoder):
        name = "own"

    own = Named([chunk.text for chunk in chunks], [chunk.title for chunk in chunks], ["fr"])
    triplets, _, _, margin, name = mine(chunks, questions, MineSettings(encoder="no/such-model"), encoder=own)
    _, _, _, expected, _ = mine(chunks, questions, MineSettings())
    assert (name, {triplet.encoder for triplet in triplets}) == ("own", {"own"})
    assert margin == expected


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    hashes = set()
    for name in ("a", "b"):
        run = RunDir(tmp_path / name)
        write_run(run, *a_corpus())
        mine_negatives(run, MineSettings())
        hashes.add(hash_file(run.path("triplets.parquet")))
    assert len(hashes) == 1


def test_above_the_limit_mining_searches_in_shards_says_so_and_finds_the_same(tmp_path: Path) -> None:
    exact, large = RunDir(tmp_path / "exact"), RunDir(tmp_path / "large")
    for run in (exact, large):
        write_run(run, *a_corpus())
    assert not any("flat_limit" in note for note in mine_negatives(exact, MineSettings()).notes)
    result = mine_negatives(large, MineSettings(flat_limit=17))
    assert result.notes[0].startswith("18 passages are more than flat_limit (17)")
    assert large.path("triplets.parquet").read_bytes() == exact.path("triplets.parquet").read_bytes()
    assert sorted(path.suffix for path in large.path("cache/vectors").iterdir()) == [".json", ".npy"], (
        "the shards are gone, the vectors kept"
    )


def test_encoding_a_large_corpus_goes_on_at_the_block_where_it_was_killed(tmp_path: Path) -> None:
    chunks, _ = a_corpus()
    counted: list[int] = []

    class Dying(LsaEncoder):
        def encode_documents(self, texts: Any, titles: Any) -> Any:
            if len(counted) == 2:
                counted.append(0)
                raise KeyboardInterrupt
            counted.append(len(texts))
            return super().encode_documents(texts, titles)

    encoder = Dying([chunk.text for chunk in chunks], [chunk.title for chunk in chunks], ["fr"])
    with pytest.raises(KeyboardInterrupt):
        vectors_on_disk(encoder, chunks, tmp_path, "1", block=5)
    vectors = vectors_on_disk(encoder, chunks, tmp_path, "1", block=5)
    again = vectors_on_disk(encoder, chunks, tmp_path, "1", block=5)
    assert counted == [5, 5, 0, 5, 3]
    np.testing.assert_array_equal(vectors, again)
    np.testing.assert_allclose(vectors, encoder.encode_documents([c.text for c in chunks], [c.title for c in chunks]), atol=1e-6)


def test_an_unchanged_run_is_not_mined_again(run: RunDir) -> None:
    write_run(run, *a_corpus())
    first = mine_negatives(run, MineSettings())
    second = mine_negatives(run, MineSettings())
    assert (first.unchanged, second.unchanged) == (False, True)
    assert (second.triplets, second.margin) == (first.triplets, first.margin)
    assert not mine_negatives(run, MineSettings(negatives=1)).unchanged


def test_without_questions_the_command_that_writes_them_is_named(run: RunDir) -> None:
    write_records(run.path("chunks.parquet"), a_corpus()[0], Chunk)
    with pytest.raises(MissingStage, match=r"questions\.parquet") as caught:
        mine_negatives(run, MineSettings())
    assert "synth write" in str(caught.value)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.lists(st.tuples(st.integers(0, 11), st.sampled_from(["roi", "tour", "temps", "arbitre", "nulle"])), min_size=1, max_size=8),
    texts=st.lists(
        st.lists(st.sampled_from("roi tour temps arbitre nulle coup joueur partie".split()), max_size=12), min_size=1, max_size=12
    ),
)
def test_whatever_the_texts_the_invariants_hold(tmp_path_factory: Any, data: list[tuple[int, str]], texts: list[list[str]]) -> None:
    run = RunDir(tmp_path_factory.mktemp("run"))
    chunks = [a_chunk(" ".join(words) + f" n{n}", f"s{n % 3}.md", n) for n, words in enumerate(texts)]
    questions = [a_question(f"Le {word} ?", chunks[at % len(chunks)]) for at, word in data]
    questions = list({question.id: question for question in questions}.values())
    write_run(run, chunks, questions)
    triplets = mined(run)
    assert [t.question_id for t in triplets] == [q.id for q in questions]
    assert {t.id for t in triplets if not t.negatives} == {reject.subject_id for reject in run.read_rejects()}
    for triplet in triplets:
        assert triplet.positive_id not in {negative.chunk_id for negative in triplet.negatives}


def test_look_alikes_are_symmetric_and_found_across_documents() -> None:
    text = "Le joueur qui a le trait doit jouer un coup légal avec la pièce qu'il a touchée volontairement"
    chunks = [
        a_chunk(text, "a.md", 0),
        a_chunk(f"Rappel. {text} sur l'échiquier.", "b.md", 1),
        a_chunk("Autre chose, toute différente ici.", "c.md", 2),
    ]
    assert look_alikes(chunks, 0.5) == [frozenset({1}), frozenset({0}), frozenset()]


@given(
    st.lists(st.lists(st.sampled_from("le roi Échec échec tour l'arbitre 7.5.1".split()), max_size=9).map(" ".join), max_size=7),
    st.sampled_from([0.3, 0.5, 1.0]),
)
def test_look_alikes_are_the_pairs_that_sets_of_word_runs_give(texts: list[str], containment: float) -> None:
    chunks = [a_chunk(text, f"{n}.md", n) for n, text in enumerate(texts)]
    runs = [FRENCH.shingles(text) for text in texts]

    def alike(one: int, other: int) -> bool:
        shared = len(runs[one] & runs[other])
        return one != other and shared > 0 and shared >= containment * min(len(runs[one]), len(runs[other]))

    everyone = range(len(chunks))
    assert look_alikes(chunks, containment) == [frozenset(other for other in everyone if alike(one, other)) for one in everyone]


def test_a_run_of_words_that_very_many_passages_share_makes_no_look_alikes() -> None:
    chunks = [a_chunk(f"Fin du document officiel n{n} page{n} titre{n} objet{n}", f"{n}.md", n) for n in range(COMMON + 1)]
    assert set(look_alikes(chunks, 0.3)) == {frozenset()}
    assert set(map(len, look_alikes(chunks[:-1], 0.3))) == {COMMON - 1}


def test_overlapping_spans_of_one_document_are_look_alikes() -> None:
    one = a_chunk("Alpha bêta gamma.", "a.md", 1)
    other = replace(a_chunk("Delta epsilon zêta.", "a.md", 2), char_start=one.char_end - 3)
    assert look_alikes([one, other], 0.5) == [frozenset({1}), frozenset({0})]


def test_the_same_question_is_recognised_without_case_and_accents() -> None:
    chunks, _ = a_corpus()
    questions = [a_question("Où va le roi ?", chunks[0]), a_question("ou va le ROI?", chunks[1])]
    assert other_positives(questions, [0, 1], chunks) == [frozenset({1}), frozenset({0})]


def test_relative_scores_are_0_for_the_mean_1_for_the_positive_and_capped() -> None:
    scores = np.array([[0.2, 0.6, 1.0, 5.0]])
    assert relative(scores, np.array([0.6]), np.array([0.2])).tolist() == [[0.0, 1.0, 1.2, 1.2]]


def test_a_hopeless_positive_tells_nothing_so_its_candidates_may_all_answer() -> None:
    assert relative(np.array([[0.1, 0.0]]), np.array([0.1]), np.array([0.3])).tolist() == [[1.2, 1.2]]


def test_the_answering_sentence_is_the_one_the_question_is_about() -> None:
    passage = TOPICS["téléphone"]
    assert (
        answering_sentence(FRENCH.tokens("Que se passe-t-il si le téléphone sonne ?"), passage, FRENCH)
        == "Un téléphone qui sonne fait perdre la partie."
    )
    assert answering_sentence(FRENCH.tokens("Quelle est la hauteur de la table ?"), passage, FRENCH) == ""
