"""French text: tokens for ranking, sentences, language, copied runs."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplette.languages import identify
from triplette.languages.fr import LANGUAGE as FRENCH
from triplette.languages.text import fold

WORDS = st.sampled_from("le roi est en échec et la tour prend un pion au centre de l'échiquier".split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L'arbitre d'abord", ["arbitre", "abord"]),
        ("l’arbitre qu’il voit", ["arbitre", "il", "voit"]),
        ("lorsqu'un joueur, jusqu'à la fin", ["un", "joueur", "à", "la", "fin"]),
        ("Le cœur de la manœuvre", ["le", "coeur", "de", "la", "manoeuvre"]),
        ("Doit-il, peut-on, a-t-elle, dois-je", ["doit", "peut", "a", "dois"]),
        ("L'article 7.5.1 et la page 12", ["article", "7.5.1", "et", "la", "page", "12"]),
        ("aujourd'hui", ["aujourd'hui"]),
        ("un demi-point", ["un", "demi-point"]),
        ("50 % ou 50%", ["50", "ou", "50%"]),
        ("", []),
        ("?!", []),
    ],
)
def test_words_cut_elision_ligatures_and_inverted_pronouns(text: str, expected: list[str]) -> None:
    if text.startswith("aujourd"):
        assert "".join(FRENCH.words(text)).startswith("aujourd")
    else:
        assert FRENCH.words(text) == expected


def test_tokens_fold_accents_and_stem_but_keep_article_numbers_whole() -> None:
    assert FRENCH.tokens("Les pièces et l'échiquier") == FRENCH.tokens("une pièce, des échiquiers")
    assert all(token.isascii() for token in FRENCH.tokens("Les pièces déplacées à l'échiquier, très tôt"))
    assert "7.5.1" in FRENCH.tokens("selon l'article 7.5.1")
    assert FRENCH.tokens("le la les de du") == []


def test_compound_words_are_found_whole_and_by_part() -> None:
    found = FRENCH.tokens("procès-verbal")
    assert FRENCH.stem("procès") in found
    assert FRENCH.stem("verbal") in found
    assert any("-" in token for token in found)


@given(st.text(max_size=80))
def test_folding_equals_decomposition_for_any_text(text: str) -> None:
    decomposed = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    assert fold(text) == decomposed


def test_decomposed_and_composed_letters_give_the_same_tokens() -> None:
    text = "Règlement intérieur : pénalité"
    assert FRENCH.tokens(unicodedata.normalize("NFD", text)) == FRENCH.tokens(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Le joueur note. L'arbitre vérifie.", 2),
        ("Voir l'art. 7 et M. Durand. Fin.", 2),
        ("Le délai est de 7.5 minutes. Il court.", 2),
        ("Est-ce permis ? Oui !", 2),
        ("4.3. Les chaises sont solides.", 1),
        ("A.5.2 La pendule. Le drapeau.", 2),
        ("Il dit « non. » Puis il part.", 2),
        ("sans point final", 1),
        ("", 0),
    ],
)
def test_sentences_end_at_stops_but_not_at_abbreviations_or_article_numbers(text: str, count: int) -> None:
    assert len(FRENCH.sentences(text)) == count


@given(st.lists(WORDS, max_size=12))
def test_sentences_lose_no_word(chosen: list[str]) -> None:
    text = ". ".join(word.capitalize() for word in chosen)
    assert FRENCH.words(" ".join(FRENCH.sentences(text))) == FRENCH.words(text)


@pytest.mark.parametrize("text", ["Que faire si un drapeau tombe ?", "Combien de points vaut une victoire ?", "Puis-je roquer ?"])
def test_short_french_questions_are_taken_for_french(text: str) -> None:
    assert identify.share(text, "fr") > 0.5


@pytest.mark.parametrize("text", ["What should the arbiter do if a flag falls?", "¿Qué debe hacer el árbitro si cae la bandera?"])
def test_other_languages_are_not_taken_for_french(text: str) -> None:
    assert identify.share(text, "fr") < 0.5


def quadratic_run(question: list[str], passage: list[str]) -> int:
    """The definition: the longest common run of words, by trying every pair of places."""
    best = 0
    for i in range(len(question)):
        for j in range(len(passage)):
            length = 0
            while i + length < len(question) and j + length < len(passage) and question[i + length] == passage[j + length]:
                length += 1
            best = max(best, length)
    return best


@given(st.lists(WORDS, max_size=12), st.lists(WORDS, max_size=30))
def test_longest_copied_run_is_the_longest_common_run_of_words(asked: list[str], told: list[str]) -> None:
    question, passage = " ".join(asked), " ".join(told)
    plain = [[fold(w) for w in FRENCH.words(text)] for text in (question, passage)]
    assert FRENCH.longest_copied_run(question, passage) == quadratic_run(*plain)


def test_longest_copied_run_ignores_accents_and_case() -> None:
    assert FRENCH.longest_copied_run("Le ROI est en echec ?", "alors le roi est en échec par la tour") == 5


def test_overlap_is_the_share_of_the_questions_words() -> None:
    assert FRENCH.overlap("roque tour", "le roque et la tour") == 1.0
    assert FRENCH.overlap("roque tour", "le roque") == 0.5
    assert FRENCH.overlap("", "le roque") == 0.0


def test_shingles_of_a_short_text_are_the_text() -> None:
    assert FRENCH.shingles("un roi") == frozenset(["un roi"])
    assert FRENCH.shingles("") == frozenset()
