"""Questions by rules: natural, standing alone, varied, repeatable, and none where none can be phrased."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplette.languages.fr import tokens
from triplette.languages.fr.rules import PROMPT
from triplette.languages.fr.rules import write_questions as write_with
from triplette.languages.fr.rules.candidate import Candidate
from triplette.languages.fr.rules.clauses import clause, conditional
from triplette.languages.fr.rules.contrasts import contrast_questions
from triplette.languages.fr.rules.grammar import at, dangling, elide, gender_of, hyphenated, invert, of, phrase
from triplette.languages.fr.rules.headings import topic_of
from triplette.languages.fr.rules.malformed import malformed
from triplette.languages.fr.rules.sentences import sentences_of, simplify
from triplette.languages.fr.rules.verbs import infinitive_of, singular
from triplette.languages.fr.rules.vocabulary import using
from triplette.languages.fr.rules.writer import candidates_of, sentence_questions
from triplette.profile import load_profile
from triplette.ranking.bm25 import Bm25Index
from triplette.records import DIFFICULTIES, Chunk, Question, Rejection
from triplette.rundir import RunDir
from triplette.settings.synth import ChunkSettings
from triplette.synth.chunk import chunk_corpus, load_chunks

ROOT = Path(__file__).parents[1]
FFE = ROOT.parent / "shared" / "data" / "ffe"
CHESS = load_profile("chess-fr")


@pytest.fixture(autouse=True)
def chess() -> Iterator[None]:
    """These tests are about chess; other domains have theirs in test_synth_rules_domains.py."""
    with using(CHESS):
        yield


def write_questions(chunks: Sequence[Chunk]) -> tuple[list[Question], list[Rejection]]:
    """The writer with the chess profile."""
    return write_with(chunks, CHESS)


def passage(text: str, title: str = "Règles du jeu", source: str = "a.md") -> Chunk:
    """A chunk."""
    return Chunk.make(language="fr", text=text, title=title, source=source, articles=(), page_start=0, page_end=0, char_start=0, char_end=len(text),
                      tokens=len(text) // 4, tokenizer="estimate", )  # fmt: skip


def proposed(text: str, title: str = "Règles du jeu") -> set[str]:
    """Every question over a text that the writer would accept."""
    return {candidate.text for candidate in candidates_of(passage(text, title))}


def patterned(text: str) -> list[Candidate]:
    """Every question that some pattern makes of a text, before context, wording and the final test."""
    found: list[Candidate] = []
    known = None
    for sentence in sentences_of(passage(text)):
        questions, known = sentence_questions(sentence, known)
        found += questions
    return found


# Grammar


@pytest.mark.parametrize(
    ("open_form", "closed"),
    [("que il", "qu'il"), ("si il tombe", "s'il tombe"), ("le arbitre", "l'arbitre"), ("de une équipe", "d'une équipe"), ("le handicap", "le handicap"),
     ("dois-je annoncer", "dois-je annoncer"), ("la onzième ronde", "la onzième ronde"), ("de échecs", "d'échecs"), ("le hasard", "le hasard"),
     ("de a à h", "de a à h"), ("la colonne que a prise", "la colonne qu'a prise")],
)  # fmt: skip
def test_elision_is_closed_where_french_closes_it(open_form: str, closed: str) -> None:
    assert elide(open_form) == closed


def test_prepositions_contract_with_articles() -> None:
    assert [of("le roi"), of("les pièces"), of("l'arbitre"), of("une tour"), of("des points")] == [
        "du roi", "des pièces", "de l'arbitre", "d'une tour", "de points",
    ]  # fmt: skip
    assert [at("le roi"), at("les pièces"), at("la tour")] == ["au roi", "aux pièces", "à la tour"]


def test_inversion_links_vowels_and_needs_the_gender() -> None:
    assert [hyphenated("doit", "il"), hyphenated("a", "il"), hyphenated("joue", "elle"), hyphenated("peut", "on")] == [
        "doit-il", "a-t-il", "joue-t-elle", "peut-on",
    ]  # fmt: skip
    known, unknown = phrase("la partie"), phrase("l'aztuque")
    assert known is not None
    assert unknown is not None
    assert invert("est", known) == "est-elle"
    assert invert("est", unknown) == ""


@pytest.mark.parametrize(
    ("noun", "gender"),
    [("arbitre", "m"), ("pendule", "f"), ("sanction", "f"), ("règlement", "m"), ("pièces", "f"), ("échiquiers", "m"), ("aztuque", "")],
)
def test_gender_is_known_or_left_open(noun: str, gender: str) -> None:
    assert gender_of(noun) == gender


def test_demonstratives_and_pointers_are_no_phrases() -> None:
    for text in ("cette case", "le présent règlement", "l'article suivant", "celui-ci"):
        assert phrase(text) is None


@pytest.mark.parametrize(
    ("text", "hangs"),
    [("que faire si elles l'ont été", True), ("que faire s'il y a égalité", False), ("un joueur peut-il la jouer", True),
     ("un joueur qui touche une pièce doit-il la jouer", False), ("quand le roi se déplace-t-il", False), ("la tour est-elle prise", False),
     ("le règlement du tournoi peut-il l'anticiper", True), ("la direction doit-elle le règlement aux clubs", False)],
)  # fmt: skip
def test_a_pronoun_with_nothing_before_it_hangs(text: str, *, hangs: bool) -> None:
    assert dangling(text) is hangs


def test_verbs_give_their_singular_and_participles_their_infinitive() -> None:
    assert [singular(v) for v in ("doivent", "perdent", "devront", "jouent")] == ["doit", "perd", "devra", "joue"]
    assert [infinitive_of(p) for p in ("signées", "transmis", "établie", "nulle")] == ["signer", "transmettre", "établir", ""]


# Clauses


def test_a_noun_that_looks_like_a_verb_is_not_taken_for_it() -> None:
    found = clause("La demande de nulle reste valable")
    assert found is not None
    assert (found.subject.text, found.verb, found.rest) == ("la demande de nulle", "reste", "valable")


def test_the_verb_of_a_relative_clause_is_skipped() -> None:
    found = clause("Le joueur qui touche une pièce doit la jouer")
    assert found is not None
    assert (found.subject.text, found.verb) == ("le joueur qui touche une pièce", "doit")


def test_negation_restriction_and_condition_are_told_apart() -> None:
    negated, only = clause("Un joueur ne peut pas quitter la salle"), clause("L'arbitre n'intervient que si un joueur le demande")
    assert negated is not None
    assert negated.negated
    assert only is not None
    assert not only.negated
    assert only.tail.startswith("si un joueur")


def test_two_singulars_joined_take_a_plural_verb_and_a_wrong_number_is_no_clause() -> None:
    found = clause("Le roi et la tour sont déplacés ensemble")
    assert found is not None
    assert found.subject.plural
    assert clause("Le roi sont déplacés ensemble") is None


def test_a_condition_is_split_at_its_main_clause_and_not_at_every_comma() -> None:
    found = conditional("Si un joueur quitte la salle, sans raison, l'arbitre le sanctionne")
    assert found is not None
    assert found.main == "l'arbitre le sanctionne"
    assert conditional("Si possible, on attend") is None


def test_doubled_forms_become_single_ones() -> None:
    assert simplify("Un joueur ou une joueuse perd") == "Un joueur perd"
    assert simplify("Les joueurs et les joueuses (FFE) notent") == "Les joueurs notent"
    assert simplify("Toutefois, il/elle est présent/présente") == "Il est présent"


def test_list_items_stay_with_the_line_that_opens_them() -> None:
    first = sentences_of(passage("Le jury comprend :\n• un président ;\n• deux membres.\nIl siège ici même."))[0]
    assert first.items == ("un président", "deux membres")


# What each pattern asks


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Si un joueur touche deux pièces, l'arbitre doit vérifier l'ordre.", "Que doit faire l'arbitre si un joueur touche deux pièces ?"),
        ("Lorsqu'un drapeau tombe, on arrête la pendule.", "Que faut-il faire lorsqu'un drapeau tombe ?"),
        ("Si un joueur joue un coup illégal, il perd la partie.", "Que risque un joueur qui joue un coup illégal ?"),
        ("Le gambit est une ouverture dans laquelle on sacrifie un pion.", "Qu'est-ce que le gambit ?"),
        ("Une partie gagnée est comptée 1 point.", "Combien de points vaut une partie gagnée ?"),
        ("L'arbitre accorde deux minutes à l'adversaire.", "Combien de minutes l'arbitre accorde-t-il à l'adversaire ?"),
        ("La durée du mandat est de quatre ans.", "Quelle est la durée du mandat ?"),
        ("La feuille de match doit être envoyée dans les trois jours.", "Dans quel délai la feuille de match doit-elle être envoyée ?"),
        ("Le capitaine est désigné par le club.", "Qui désigne le capitaine ?"),
        ("Le comité directeur élit le bureau fédéral.", "Qui élit le bureau fédéral ?"),
        ("Les réclamations doivent être signées avant la ronde.", "Faut-il signer les réclamations avant la ronde ?"),
        ("Un joueur ne peut pas quitter la salle de jeu.", "Un joueur peut-il quitter la salle de jeu ?"),
        ("Il est interdit de fumer dans la salle de jeu.", "A-t-on le droit de fumer dans la salle de jeu ?"),
        ("Le joueur peut arrêter sa pendule pour appeler l'arbitre.", "Puis-je arrêter ma pendule pour appeler l'arbitre ?"),
        ("Le roque est interdit si le roi est en échec.", "Dans quel cas le roque est-il interdit ?"),
        ("Le championnat régional se déroule en trois phases.", "En combien de phases le championnat régional se déroule-t-il ?"),
        ("Pour réclamer la nulle, le joueur arrête la pendule.", "Que faut-il faire pour réclamer la nulle ?"),
        ("Seul le capitaine peut déposer une réserve écrite.", "Qui peut déposer une réserve écrite ?"),
        ("Il faut au moins trois normes pour obtenir le titre.", "Combien de normes faut-il pour obtenir le titre ?"),
        ("Le jury d'appel régional est composé de :\n• deux arbitres ;\n• un dirigeant.", "De qui est composé le jury d'appel régional ?"),
        ("Peuvent participer à la finale les équipes qualifiées.", "Qui peut participer à la finale ?"),
        ("L'arbitre principal doit vérifier la feuille de match avant la ronde.", "Que doit vérifier l'arbitre principal avant la ronde ?"),
        ("Le capitaine doit remettre la composition écrite à l'arbitre.", "À qui le capitaine doit-il remettre la composition écrite ?"),
        ("Le classement national est fondé sur les résultats.", "Sur quoi repose le classement national ?"),
        ("Les huit lignes verticales sont appelées colonnes.", "Comment appelle-t-on les huit lignes verticales ?"),
        ("Le règlement intérieur permet de sanctionner un club.", "À quoi sert le règlement intérieur ?"),
        ("L'arbitre arrête les pendules afin de vérifier la position.", "Dans quel but l'arbitre arrête-t-il les pendules ?"),
        ("Un joueur ne quitte pas la salle de jeu.", "Un joueur a-t-il le droit de quitter la salle de jeu ?"),
        ("Les équipes du club doivent jouer dans une même salle.", "Les équipes du club doivent-elles jouer dans une même salle ?"),
        ("Les comptes annuels sont communiqués aux membres ainsi qu'au ministre.", "Les comptes annuels sont-ils communiqués aux membres ?"),
        ("Le drapeau doit être disposé de manière à ce que sa chute soit visible.", "Faut-il disposer le drapeau de manière à ce que sa chute soit visible ?"),
        ("L'appareil doit fonctionner pendant quatre heures consécutives.", "Pendant combien de temps l'appareil doit-il fonctionner ?"),
        ("Chaque joueur doit disposer d'au moins deux heures pour la partie.", "De combien d'heures chaque joueur doit-il disposer pour la partie ?"),
        ("Le guichet municipal s'ouvre à neuf heures pour les abonnés.", "À quelle heure le guichet municipal s'ouvre-t-il pour les abonnés ?"),
        ("Il n'est pas possible de jouer deux rondes par jour.", ""),
    ],
)  # fmt: skip
def test_a_sentence_gives_the_question_it_answers(text: str, question: str) -> None:
    found = {candidate.text for candidate in patterned(text)}
    assert question in found if question else not found


def test_what_one_owes_oneself_keeps_its_pronoun() -> None:
    found = {candidate.text for candidate in patterned("Le trésorier se doit de présenter les comptes à chaque assemblée.")}
    assert found
    assert not {text for text in found if "doit" in text and "se doit" not in text} | {text for text in found if "tenu de de" in text}


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Une partie gagnée est comptée 1 point, une partie nulle 0,5 point.", "Quelle différence de points y a-t-il entre une victoire et une partie nulle ?"),
        ("La règle nationale prévaut sur la règle locale du tournoi.", "Qu'est-ce qui l'emporte entre la règle nationale et la règle locale du tournoi ?"),
        ("Le système suisse demande des ajustements. Une partie gagnée est agréable.", ""),
    ],
)  # fmt: skip
def test_things_that_the_passage_contrasts_are_compared_and_no_others(text: str, question: str) -> None:
    found = {candidate.text for candidate in contrast_questions(sentences_of(passage(text)))}
    assert found == ({question} if question else set())


@pytest.mark.parametrize(
    "text",
    ["Qui peut ouvrir la salle et l'on continue ?", "Combien de minutes trois minutes font-elles ?", "Quels joueurs mutés au plus figurent sur la feuille ?",
     "Dans quel cas l'arbitre peut-il très bien laisser les temps inchangés ?", "Qui nomme l'un d'entre eux ?", "Comment ranger leurs feuille ?",
     "Une partie rapide est-elle une partie durant laquelle ?", "Dans quel délai la PE instruit-elle chaque cas dans un délai raisonnable ?",
     "Le club vous doit-il une salle ?", "Les joueurs sont-ils tenus sur demande ?", "Qui range les feuilles dans l'à la fin de la ronde ?",
     "Une équipe pénalisée par la ligue sera-t-elle pénalisée ?", "L'arbitre peut-il agir avant le stage l'attestation associée sera considérée nulle ?",
     "Les parents/ accompagnateurs/ entraîneurs peuvent-ils entrer ?", "Que peut soit dire soit faire l'arbitre ?"],
)  # fmt: skip
def test_wordings_that_nobody_would_say_are_told_with_a_reason(text: str) -> None:
    assert malformed(text)


def test_a_malformed_candidate_is_a_counted_reject_and_no_question() -> None:
    questions, rejects = write_questions([passage("Les capitaines des équipes doivent ranger leurs feuille avant la ronde finale.")])
    assert not [q.text for q in questions if "leurs feuille" in q.text]
    assert "malformed" in {reject.reason for reject in rejects}


def test_a_bare_subject_is_asked_about_with_the_topic_of_its_passage_or_not_at_all() -> None:
    text = "La liste doit être remise à l'arbitre principal avant la ronde."
    assert proposed(text) == set()
    named = proposed(text, title="Règles > Composition des équipes")
    assert named
    assert all(question.startswith("À propos de la composition des équipes, ") for question in named)


@pytest.mark.parametrize(
    ("heading", "topic"),
    [
        ("Mise en place et démarrage", "à propos de la mise en place et du démarrage"),
        ("Lieu et heures des rencontres", "à propos du lieu et des heures des rencontres"),
        ("L'acte de jouer et la pièce touchée", "à propos de l'acte de jouer et de la pièce touchée"),
        ("L'offre compétitive pour les femmes et les hommes", "à propos de l'offre compétitive pour les femmes et les hommes"),
        ("Titres et leurs seuils", "à propos des titres et de leurs seuils"),
    ],
)
def test_a_topic_of_two_things_has_an_article_for_each(heading: str, topic: str) -> None:
    assert topic_of(passage("Texte.", title=f"Règlement > {heading}")) == topic


def test_the_scene_is_told_in_the_first_person() -> None:
    found = patterned("Si un joueur refuse de signer la feuille, l'arbitre note le résultat seul.")
    voices = {candidate.voice: candidate.text for candidate in found if candidate.pattern == "scene"}
    assert voices["joueur"].startswith("Mon adversaire refuse de signer la feuille : ")
    assert voices["arbitre"] == "Un joueur refuse de signer la feuille : que dois-je faire en tant qu'arbitre ?"


def test_a_pronoun_subject_is_read_from_the_sentence_before() -> None:
    questions = patterned("Le capitaine représente son équipe pendant la rencontre. Il doit remettre la composition avant la ronde.")
    assert any("capitaine" in q.text and "remettre la composition" in q.text for q in questions)


@pytest.mark.parametrize(
    "text",
    [
        "Cette case est attaquée par la tour adverse du joueur.",
        "Il est déterminé comme indiqué ci-dessus pour le tournoi.",
        "Dans ce cas, l'arbitre doit le sanctionner immédiatement.",
        "L'arbitre doit agir.",
        "Voir l'article 7.5 du présent règlement pour la procédure.",
        "| A1 | B2 |\n| C3 | D4 |",
        "R1 1 – (10) 2 – 9 3 – 8 4 – 7 5 – 6",
        "",
    ],
)
def test_what_points_outside_or_says_nothing_gives_no_question(text: str) -> None:
    assert proposed(text, title="") == set()


def test_a_competitions_rule_names_its_competition() -> None:
    questions = proposed("Une partie gagnée est comptée 1 point.", title="COUPE DE FRANCE > 4. Résultats")
    assert {q.lower() for q in questions} & {
        "combien de points vaut une partie gagnée en coupe de france ?", "en coupe de france, combien de points vaut une partie gagnée ?",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Un budget est alloué par le comité directeur.", "by-whom"),  # which budget, the passage alone knows
        ("L'arbitre doit transmettre les résultats et doit rédiger sous sept jours le rapport.", "deadline"),  # of the second deed
        ("Le chiffre indique un âge que l'on atteint au moment de la saison.", "moment"),  # of the relative clause
        ("Un joueur n'en possède deux de même couleur qu'après une promotion.", "in-which-case"),
    ],
)
def test_an_answer_that_belongs_elsewhere_is_not_asked_for(text: str, pattern: str) -> None:
    assert pattern not in {candidate.pattern for candidate in patterned(text)}


def test_a_bare_championship_takes_its_name_where_it_stands_and_is_not_named_twice() -> None:
    text = "L'inscription doit parvenir à la fédération quinze jours avant le début du championnat."
    questions = proposed(text, title="CHAMPIONNAT DE FRANCE DES JEUNES > 3. Inscriptions")
    assert any("avant le début du Championnat de France des jeunes" in question for question in questions), questions
    assert not [question for question in questions if question.lower().count("championnat") > 1]


def test_a_chunk_without_a_question_is_one_reject() -> None:
    questions, rejects = write_questions(
        [passage("A1-D1 C1-E1\nB1-C1"), passage("Les capitaines doivent remettre la composition écrite avant la rencontre.")]
    )
    assert [(reject.reason, reject.subject_kind) for reject in rejects] == [("no_question", "chunk")]
    assert questions


def test_the_same_passage_in_two_documents_asks_the_same_whichever_stands_first() -> None:
    text = "La durée du mandat est de quatre ans."
    first, second = passage(text, source="a.md"), passage(text, source="b.md")
    asked = {chunk.source: [q.text for q in write_questions([first, second])[0] if q.chunk_id == chunk.id] for chunk in (first, second)}
    assert asked["a.md"] == asked["b.md"] == [q.text for q in write_questions([second])[0]] != []


# What holds for every question


TEXTS = st.lists(
    st.sampled_from(
        "Si un joueur touche une pièce , l'arbitre doit la jouer . Le drapeau est tombé ; la partie reste nulle : il peut demander 2 minutes à "
        "l'adversaire qui ne note pas ( FFE ) « » ? Lorsque On Pour Seul Aucun deux points est composé de sont par le club".split()
    ),
    max_size=60,
).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_any_text_gives_finished_questions_or_none(text: str) -> None:
    questions, rejects = write_questions([passage(text)])
    assert questions or rejects
    for question in questions:
        assert question.text.endswith(" ?")
        assert question.text[0].isupper() or not question.text[0].isalpha()
        assert "  " not in question.text
        assert question.text.count("(") == question.text.count(")")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> list[Chunk]:
    """The chunks of the sample corpus."""
    run = RunDir(tmp_path_factory.mktemp("rules") / "run")
    chunk_corpus(run, ROOT / "fr_rules", ChunkSettings())
    return load_chunks(run)


def test_the_sample_corpus_gives_enough_varied_questions_that_find_their_passage(sample: list[Chunk]) -> None:
    questions, rejects = write_questions(sample)
    assert len(questions) >= 1.25 * len(sample)
    assert all(q.kind in CHESS.kind_names and q.persona in CHESS.persona_names and q.difficulty in DIFFICULTIES for q in questions)
    assert set(Counter(q.kind for q in questions)) >= {"factual", "procedural", "scenario", "definition", "multi-condition"}
    assert {q.persona for q in questions} == set(CHESS.persona_names)
    assert {(q.provider, q.model, q.prompt, q.cost) for q in questions} == {("rules", "rules", PROMPT, 0.0)}
    assert max(Counter(r.subject_id for r in rejects if r.reason == "no_question").values(), default=1) == 1
    places = {chunk.id: i for i, chunk in enumerate(sample)}
    ranks = Bm25Index([tokens(f"{c.title} {c.text}") for c in sample]).rank_of(
        [tokens(q.text) for q in questions], [[places[q.chunk_id]] for q in questions]
    )
    assert sum(rank <= 3 for rank in ranks) > 0.8 * len(questions)


def test_no_question_of_the_sample_points_outside_itself(sample: list[Chunk]) -> None:
    questions, _ = write_questions(sample)
    pointers = re.compile(
        r"\b(?:ci-dessus|ci-dessous|présent règlement|cet article|ce tableau|cette case|suivants?|selon ce texte)\b|\bque il\b|\bsi il\b"
    )
    assert [q.text for q in questions if pointers.search(q.text)] == []
    assert [q.text for q in questions if re.fullmatch(r"Que (?:doit|fait) (?:faire )?l'arbitre \?", q.text)] == []


def test_each_chunk_is_read_alone_and_the_same_way_every_time(sample: list[Chunk]) -> None:
    together = write_questions(sample)[0]
    assert write_questions(sample)[0] == together
    some = sample[10]
    alone = [q.text for q in write_questions([some])[0]]
    assert alone == [q.text for q in together if q.chunk_id == some.id]


def test_questions_are_not_copies_of_their_passage(sample: list[Chunk]) -> None:
    from triplette.languages.fr import LANGUAGE as FRENCH

    texts = {chunk.id: chunk.text for chunk in sample}
    shares = [
        FRENCH.longest_copied_run(q.text, texts[q.chunk_id]) / max(len(FRENCH.words(q.text)), 1) for q in write_questions(sample)[0]
    ]
    assert sum(shares) / len(shares) < 0.75


@pytest.mark.skipif(not FFE.exists(), reason="the federation's documents are not here")
def test_the_federations_documents_give_questions_that_find_their_passage(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    chunk_corpus(run, FFE, ChunkSettings())
    chunks = load_chunks(run)
    questions, _ = write_questions(chunks)
    places = {chunk.id: i for i, chunk in enumerate(chunks)}
    ranks = Bm25Index([tokens(f"{c.title} {c.text}") for c in chunks]).rank_of(
        [tokens(q.text) for q in questions], [[places[q.chunk_id]] for q in questions]
    )
    assert sum(rank <= 3 for rank in ranks) > 0.8 * len(questions)
    assert len(questions) > len(chunks)
