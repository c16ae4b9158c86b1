"""The Kotlin sample's search: French ranking tokens as ours, and the same passages with the same ranks and scores as a bundle gives here."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import snowballstemmer
from training_data import chunk

from triplette.contract import Fusion
from triplette.export.bundle import KOTLIN, kotlin_sample
from triplette.export.index import INDEX, asked_tokens, lexical_scores, open_index, read_index, read_meta, write_index
from triplette.languages import language
from triplette.ranking.fusion import fuse, neighbours, ranks

ROOT = Path(__file__).parents[1]
SEPARATOR = "\x1e"
FRENCH = language("fr")
AWKWARD = [
    "L'arbitre doit-il s’arrêter aujourd’hui ?", "Qu'est-ce qu'un rendez-vous", "1er, 2e, 3ème 12,5% 7.5.1 art. A03 3d ４２", "naïve Noël ŒUVRE ﬁn",
    "Y a-t-il", "demi-point demi-points", "é́ ñ ø œ̀", "ıstanbul İstanbul ſoupe", "٣٤ 12:30/4", "l'", "'l d'", "d'-il", "", "🙂 élo 2 400", "dit‑il «non»",
    "a'b'c'd-e-f", "soft\u00adhyphen", "ÉCHEC ET MAT", "\ud7ff\ue000 Ω ΑΣ",
]  # fmt: skip
# modes: "stems WORDS", "tokens TEXTS" and "search FOLDER"; in the last, index.json holds what SQLite does on a phone
MAIN = """
package triplette

import java.io.File

fun bytes(hex: String) = ByteArray(hex.length / 2) { hex.substring(2 * it, 2 * it + 2).toInt(16).toByte() }

fun search(folder: File, french: TripletteFrench) {
    val rows = File(folder, "rows").readLines().map { it.split('\\t') }.map {
        TripletteRow(it[0], it[1], it[2], it[3].toInt(), it[3].toInt(), java.lang.Float.intBitsToFloat(it[4].toInt()), bytes(it[5]))
    }
    val terms = File(folder, "terms").readLines().map { it.split('\\t') }.associate { it[0] to bytes(it[1]) }
    val how = File(folder, "fusion").readText().split(' ')
    val fusion = if (how.size < 4) null else TripletteFusion(how[0], how[1].toDouble(), how[2].toInt(), how[3].toDouble())
    val search = TripletteSearch(rows, fusion) { terms[it] }
    for (line in File(folder, "asked").readLines()) {
        val (question, numbers) = line.split('\\t')
        val vector = numbers.split(' ').map { it.toFloat() }.toFloatArray()
        for (per in TriplettePer.values()) {
            println(search.ask(french.tokens(question), vector, 10, per).joinToString(" ") {
                listOf(it.position, it.rank, it.score, it.lexicalRank, it.lexicalScore, it.denseRank, it.denseScore).joinToString(",")
            })
        }
    }
}

fun main(arguments: Array<String>) {
    val french = TripletteFrench(File(arguments[1]).readText().split(' ').toSet())
    val texts = File(arguments[2])
    when (arguments[0]) {
        "stems" -> print(texts.readText().split('\\u001e').joinToString("\\n") { TripletteFrenchStemmer(it).stem() })
        "tokens" -> print(texts.readText().split('\\u001e').joinToString("\\n") { french.tokens(it).joinToString(" ") })
        else -> search(texts, french)
    }
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The search as a program."""
    if shutil.which("kotlinc") is None:
        pytest.skip("no Kotlin compiler is installed")
    folder = tmp_path_factory.mktemp("kotlin")
    (folder / "Main.kt").write_text(MAIN)
    names = ("TripletteFrench.kt", "TripletteSearch.kt")
    for name in names:
        (folder / name).write_text(kotlin_sample(name))
    sources = [str(folder / name) for name in ("Main.kt", *names)]
    subprocess.run(["kotlinc", *sources, "-include-runtime", "-d", str(folder / "t.jar")], check=True, capture_output=True)
    (folder / "stop").write_text(" ".join(sorted(FRENCH.stop_words)))
    return ["java", "-Dfile.encoding=UTF-8", "-jar", str(folder / "t.jar"), str(folder / "stop")]


def run(program: list[str], mode: str, path: Path) -> list[str]:
    """The lines that the program prints."""
    command = [*program[:-1], mode, program[-1], str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")


def lines_of_the_corpus() -> list[str]:
    """Lines of the sample corpus."""
    return [line for path in sorted((ROOT / "fr_rules").glob("*.md")) for line in path.read_text().splitlines() if line.strip()]


def words() -> list[str]:
    """The corpus's words, and 30,000 made of their beginnings, roots that have rules of their own, and every suffix of the stemmer."""
    rng = random.Random(7)
    own = sorted({word for line in lines_of_the_corpus() for word in FRENCH.words(line) if word.isalpha()})
    suffixes = re.findall(r"[a-zàâéèêîïôûçIU]{1,9}", kotlin_sample("TripletteFrench.kt").split("val STANDARD")[1])
    suffixes = sorted({suffix.replace("U", "u").replace("I", "i") for suffix in suffixes})
    roots = "- al bal épl auv par col ni nie tap qu you ouï naï noë hé ay coy at icat iv abil eus ic abl ièr iqu ss st ell onn gu è é".split()
    made = {rng.choice(own)[: rng.randint(0, 7)] + rng.choice(roots).strip("-") + rng.choice(suffixes) for _ in range(30_000)}
    letters = {"".join(rng.choices("aeiouyàâèéêëîïôùûçbcdhlnqstx'", k=rng.randint(1, 9))) for _ in range(5_000)}
    return sorted({*own, *made, *letters})


def test_the_index_tells_the_phone_which_words_carry_no_meaning(tmp_path: Path) -> None:
    write_index(tmp_path / INDEX, [chunk("le roi", "", "a.md")], np.ones((1, 4), dtype=np.float32), {})
    assert set(read_meta(tmp_path / INDEX)["stop_words.fr"].split(" ")) == FRENCH.stop_words


def test_the_kotlin_index_reads_only_columns_that_are_there(tmp_path: Path) -> None:
    """Its queries run on an index, and the fusion's fields are the contract's."""
    write_index(tmp_path / INDEX, [chunk("le roi", "", "a.md")], np.ones((1, 4), dtype=np.float32), {})
    source = kotlin_sample("TripletteIndex.kt")
    queries = re.findall(r'"(SELECT [^"]+)"', source)
    assert {query.split("FROM ")[1].split()[0] for query in queries} == {"chunks", "meta", "terms", "refs"}
    with open_index(tmp_path / INDEX) as connection:
        for query in queries:
            connection.execute(query, ("1",) * query.count("?")).fetchall()
    assert set(re.findall(r'fusion\.get\w+\("(\w+)"\)', source)) == set(Fusion.__dataclass_fields__)
    assert {"TripletteIndex.kt", "TripletteSearch.kt", "TripletteFrench.kt"} <= set(KOTLIN)


@pytest.mark.slow
def test_the_kotlin_stemmer_gives_snowballs_stems(program: list[str], tmp_path: Path) -> None:
    texts = words()
    assert len(texts) > 25_000
    (tmp_path / "words").write_text(SEPARATOR.join(texts))
    assert run(program, "stems", tmp_path / "words") == snowballstemmer.stemmer("french").stemWords(texts)


@pytest.mark.slow
def test_the_kotlin_words_give_the_same_ranking_tokens(program: list[str], tmp_path: Path) -> None:
    texts = [*lines_of_the_corpus(), *AWKWARD]
    (tmp_path / "texts").write_text(SEPARATOR.join(texts), newline="")
    assert run(program, "tokens", tmp_path / "texts") == [" ".join(FRENCH.tokens(text)) for text in texts]


@pytest.mark.slow
@pytest.mark.parametrize("fusion", [Fusion(), Fusion(lexical=0.6, neighbours=0.2), Fusion(method="rrf", neighbours=0.1), None])
def test_the_kotlin_search_ranks_and_scores_as_the_bundle_does(program: list[str], tmp_path: Path, fusion: Fusion | None) -> None:
    rng = np.random.default_rng(3)
    lines = lines_of_the_corpus()[:300]
    chunks = [chunk(line, f"titre {n // 3}", f"{n % 7}.md", n) for n, line in enumerate(lines)]
    vectors = rng.normal(size=(len(chunks), 32)).astype(np.float32)
    write_index(tmp_path / INDEX, chunks, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), {})
    index = read_index(tmp_path / INDEX)
    asked = [gold["question"] for gold in map(json.loads, (ROOT / "gold" / "fr_rules.jsonl").read_text().splitlines()[:25])]
    queries = rng.normal(size=(len(asked), 16)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)

    pages = [place[1] for place in index.places]
    rows = zip(index.ids, index.places, pages, index.scales.view(np.int32), index.values, strict=True)
    (tmp_path / "rows").write_text("\n".join("\t".join([i, p[2], p[0], str(n), str(s), v.tobytes().hex()]) for i, p, n, s, v in rows))
    with open_index(tmp_path / INDEX) as connection:
        terms = connection.execute("SELECT term, postings FROM terms").fetchall()
    (tmp_path / "terms").write_text("\n".join(f"{term}\t{postings.hex()}" for term, postings in terms))
    how = [fusion.method, fusion.lexical, fusion.rrf_k, fusion.neighbours] if fusion else []
    (tmp_path / "fusion").write_text(" ".join(map(str, how)))
    said = [f"{question}\t{' '.join(map(str, query.tolist()))}" for question, query in zip(asked, queries, strict=True)]
    (tmp_path / "asked").write_text("\n".join(said))
    printed = run(program, "search", tmp_path)

    for number, (question, query) in enumerate(zip(asked, queries, strict=True)):
        bm25 = lexical_scores(tmp_path / INDEX, asked_tokens(question, ["fr"]), len(chunks))
        dense = index.scores(query).astype(np.float64).round(6)
        fused = dense if fusion is None else fuse(bm25[None], dense[None], fusion, neighbours([p[0] for p in index.places]))[0]
        found = [[float(value) for value in answer.split(",")] for answer in printed[3 * number].split(" ")]
        positions = [int(answer[0]) for answer in found]
        assert len(positions) == len(set(positions)) == 10
        assert [answer[1] for answer in found] == [*range(1, 11)]
        # float32 sums differ in the seventh digit: the same order but for passages as good as equal
        assert np.allclose([answer[2] for answer in found], np.sort(fused)[::-1][:10], atol=3e-6)
        assert np.allclose([answer[2] for answer in found], fused[positions], atol=3e-6)
        assert [answer[3] for answer in found] == np.where(bm25 > 0, ranks(bm25[None])[0], 0)[positions].tolist()
        assert np.allclose([answer[4] for answer in found], bm25[positions], atol=1e-9)
        assert np.abs(np.array([answer[5] for answer in found]) - ranks(dense[None])[0][positions]).max() <= 1
        sections = [index.places[int(answer.split(",")[0])][::2] for answer in printed[3 * number + 2].split(" ")]
        assert len(sections) == len(set(sections)) == 10
