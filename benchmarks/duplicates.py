"""Near-duplicate questions: the exact join of their words and the whole of ``curate dedup``'s finders, beside semhash on the same vectors.

    python benchmarks/duplicates.py make --rows 10000 --folder DIR      # questions with planted pairs, and their vectors (LSA)
    python benchmarks/duplicates.py join|dedup|brute --folder DIR       # one side, in this process
    python benchmarks/peer_semhash.py --folder DIR                      # semhash, in an environment of its own

Every second question is another one changed in a known way: written again without accents and capitals, in the plural, in another order, with a word
more (these four ask the same); or with another number, a negation, another noun (these three do not). What a side finds is told for each
way: the share of pairs of which one falls out. ``brute`` compares all rows with all, and says how many of the pairs over the threshold the join has.
The vectors are made before the clocks start, for both; so are the words' stems.
"""

from __future__ import annotations

import argparse
import json
import random
import unicodedata
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from clock import Clock

SAME = ("written again", "plural", "other order", "a word more")
OTHER = ("another number", "negated", "another noun")
SYLLABLES = "ra ve ti lo mu ca cha pri gou ner fla dou qui ben zor tel mi rou sta plé".split()
ASKING = ("Quand", "Comment", "Pourquoi", "Où")
JACCARD = 0.8


def make(rows: int, folder: Path) -> None:
    """questions.json: {"texts", "ways": of each odd row, how it differs from the row before}; vectors.npy (rows, d) float32."""
    from triplette.curate.same.dedup import RANK
    from triplette.ranking.lsa import LsaEncoder

    lot = random.Random(0)
    nouns = sorted({"".join(lot.choices(SYLLABLES, k=3)) + "ard" for _ in range(3000)})
    texts, ways = [], []
    for number in range(rows // 2):
        way = (*SAME, *OTHER)[number % (len(SAME) + len(OTHER))]
        words = lot.sample(nouns, 7)
        asking, minutes = lot.choice(ASKING), str(lot.randint(2, 90))
        texts += [sentence(asking, words, minutes), changed(way, asking, words, minutes, nouns, lot)]
        ways.append(way)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "questions.json").write_text(json.dumps({"texts": texts, "ways": ways}), encoding="utf-8")
    vectors = LsaEncoder(texts, [""] * len(texts), {"fr"}, rank=RANK, seed=0).encode_queries(texts)
    np.save(folder / "vectors.npy", vectors)


def sentence(asking: str, words: list[str], minutes: str, *, verb: str = "change-t-il", plural: str = "") -> str:
    """A question of eight to ten words with a meaning."""
    a, b, c, d, e, f, _ = words
    return f"{asking} le {a}{plural} {b}{plural} {verb} la {c} {d} après {minutes} minutes de {e} avec le {f} ?"


def changed(way: str, asking: str, words: list[str], minutes: str, nouns: list[str], lot: random.Random) -> str:
    """The same question changed in one of the ways."""
    a, b, c, d, e, f, more = words
    text = sentence(asking, words, minutes)
    if way == "written again":
        bare = "".join(sign for sign in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(sign))
        return bare.replace(" ?", "")
    if way == "plural":
        return sentence(asking, words, minutes, plural="s")
    if way == "other order":
        return f"{asking}, avec le {f} et après {minutes} minutes de {e}, le {a} {b} change-t-il la {c} {d} ?"
    if way == "a word more":
        return text.replace(" ?", f" {more} ?")
    if way == "another number":
        return sentence(asking, words, str(int(minutes) + lot.randint(1, 9)))
    if way == "negated":
        return sentence(asking, words, minutes, verb="ne change-t-il pas")
    return sentence(asking, [*words[:4], lot.choice([noun for noun in nouns if noun not in words]), *words[5:]], minutes)


def told(ways: list[str], fell: set[int]) -> dict[str, float]:
    """Of each way, the share of pairs of which one row fell out."""
    of = Counter(ways)
    lost = Counter(way for number, way in enumerate(ways) if fell & {2 * number, 2 * number + 1})
    return {way: round(lost[way] / of[way], 3) for way in (*SAME, *OTHER) if of[way]}


def join(texts: list[str], ways: list[str]) -> None:
    """The exact join alone."""
    from triplette.similar import near_duplicates, word_sets

    sets = word_sets(texts, ["fr"] * len(texts))
    with Clock() as clock:
        left, right, _ = near_duplicates(sets, JACCARD)
    clock.tell(len(texts), pairs=len(left), **told(ways, {*left.tolist(), *right.tolist()}))


def brute(texts: list[str], ways: list[str]) -> None:
    """All rows with all by one sparse product, block by block: what the join must find; its pairs that are missing are counted."""
    from scipy.sparse import csr_matrix

    from triplette.similar import every_near_duplicate, word_sets

    sets = word_sets(texts, ["fr"] * len(texts))
    matrix = csr_matrix((np.ones(len(sets.indices), dtype=np.int32), sets.indices, sets.indptr))
    turned, sizes, found = matrix.T.tocsr(), sets.sizes, set()
    with Clock() as clock:
        for start in range(0, len(texts), 1000):
            shared = (matrix[start : start + 1000] @ turned).tocoo()
            one, other = shared.row + start, shared.col
            close = (one < other) & (shared.data >= JACCARD * (sizes[one] + sizes[other] - shared.data) - 1e-9)
            found |= set(zip(one[close].tolist(), other[close].tolist(), strict=True))
    left, right, _ = every_near_duplicate(sets, JACCARD)
    joined = set(zip(left.tolist(), right.tolist(), strict=True))
    rows = {row for pair in found for row in pair}
    clock.tell(
        len(texts), pairs=len(found), missing_in_the_join=len(found - joined), wrong_in_the_join=len(joined - found), **told(ways, rows)
    )


def dedup(texts: list[str], ways: list[str], vectors: Any) -> None:
    """What ``curate dedup`` does with these rows: three finders, and the check that what is asked agrees. Both of a pair are over one passage."""
    from triplette.curate.same.dedup import same_questions
    from triplette.domain import domain_of
    from triplette.profile import load_profile
    from triplette.records import Chunk
    from triplette.settings.dedup import DedupSettings

    place = {"articles": (), "page_start": 0, "page_end": 0, "char_start": 0, "char_end": 9, "tokens": 9, "tokenizer": "none"}
    chunks = [Chunk.make(language="fr", text=f"Passage {n}.", title="", source="a.md", **place) for n in range(len(ways))]
    rows: Any = [
        SimpleNamespace(question=SimpleNamespace(text=text), triplet=SimpleNamespace(positive_id=chunks[number // 2].id))
        for number, text in enumerate(texts)
    ]
    known = {chunk.id: chunk for chunk in chunks}
    domain = domain_of(load_profile("fr"))
    with Clock() as clock:
        pairs = same_questions(rows, known, DedupSettings(), vectors, domain)
    clock.tell(len(texts), pairs=len(pairs), **told(ways, {row for pair in pairs for row in (pair.left, pair.right)}))


def main() -> None:
    """Make the questions, or measure one side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "join", "dedup", "brute"))
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    if options.what == "make":
        make(options.rows, options.folder)
        return
    data = json.loads((options.folder / "questions.json").read_text(encoding="utf-8"))
    if options.what == "dedup":
        dedup(data["texts"], data["ways"], np.load(options.folder / "vectors.npy"))
    else:
        {"join": join, "brute": brute}[options.what](data["texts"], data["ways"])


if __name__ == "__main__":
    main()
