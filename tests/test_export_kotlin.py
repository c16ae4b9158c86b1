"""The Kotlin sample: its tokenizer gives SentencePiece's ids (where a compiler is installed), and it reads what the bundle has."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from triplette.export.bundle import KOTLIN, kotlin_sample
from triplette.export.tokenizers.build import AWKWARD
from triplette.export.tokenizers.pieces import Pieces, TokenizerSpec
from triplette.train.tiny import SPECIALS, train_sentencepiece

CORPUS = Path(__file__).parents[1] / "fr_rules"
SPEC = TokenizerSpec((2,), (1,), 0, {name: number for number, name in enumerate(SPECIALS)})
MAIN = """
package triplette

import java.io.File

fun main(arguments: Array<String>) {
    val specials = mapOf("<pad>" to 0, "<eos>" to 1, "<bos>" to 2, "<unk>" to 3, "<mask>" to 4)
    val tokenizer = TripletteTokenizer(File(arguments[0]).readBytes(), intArrayOf(2), intArrayOf(1), specials)
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
    spec = {"tokenizer", "signatures", "name", "file", "length", "before", "after", "specials", "dimensions", "pad"}
    contract = {"query_prefix", "document_prefix", "no_title", "title_end", "max_tokens", "dimensions"}
    assert keys <= spec | contract
    written = (tmp_path / "contract.json").read_text()
    assert all(f'"{name}"' in written and f'"{name}"' in source for name in contract)
    assert all(kotlin_sample(name).startswith("package triplette") for name in KOTLIN)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("kotlinc") is None, reason="no Kotlin compiler is installed")
def test_the_kotlin_tokenizer_gives_the_same_ids(tmp_path: Path) -> None:
    lines = [line for path in sorted(CORPUS.glob("*.md")) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    (tmp_path / "tokenizer.model").write_bytes(train_sentencepiece(lines[:1000], 1500))
    texts = [*lines, *("\n".join(lines[start : start + 40]) for start in range(0, 400, 40)), *AWKWARD]
    (tmp_path / "texts").write_text("\x1e".join(texts), encoding="utf-8", newline="")
    (tmp_path / "Main.kt").write_text(MAIN)
    (tmp_path / "TripletteTokenizer.kt").write_text(kotlin_sample("TripletteTokenizer.kt"))
    compiled = tmp_path / "t.jar"
    sources = [str(tmp_path / name) for name in ("Main.kt", "TripletteTokenizer.kt")]
    subprocess.run(["kotlinc", *sources, "-include-runtime", "-d", str(compiled)], check=True, capture_output=True)
    pieces = Pieces(tmp_path / "tokenizer.model", SPEC)
    for limit in (100_000, 16):
        command = ["java", "-jar", str(compiled), str(tmp_path / "tokenizer.model"), str(tmp_path / "texts"), str(limit)]
        found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
        assert [line.split() for line in found] == [[str(i) for i in pieces.encode(text, limit)] for text in texts]
