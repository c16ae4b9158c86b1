"""Splits that do not leak: whole connected components go to a split, never rows.

Two rows are connected when they share a passage (by text, so that a copy in another document counts) or when their questions are
near-duplicates. Near-duplicate: equal after normalisation, or word sets with a Jaccard similarity of at least ``near_duplicate``; for
two questions about one passage ``same_passage_duplicate`` is enough, because there less common wording is already a paraphrase.

Gold is for validation and test only, so between gold and train the question is another: do they touch? They do when a question
nearly repeats another, and with ``gold_chunks = "held-out"`` also when they share a positive passage. With ``"shared"``
(default) the passage alone does not count: it is in the searched corpus in any case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from triplette.arrays import Floats, Ints
from triplette.hashing import hash_value, record_id
from triplette.settings.build import BuildSettings
from triplette.similar import Pieces, WordSets, jaccard_of, near_duplicates, near_duplicates_across, word_sets


@dataclass(frozen=True, slots=True)
class Node:
    """What a row brings to the split: its id, question, the keys of the passages that answer it, whether it is gold, its language."""

    id: str
    question: str
    passages: tuple[str, ...]
    gold: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class Touch:
    """A gold row and a train row that touch (positions among the nodes), how similar they are (0..1), and why that counts."""

    gold: int
    train: int
    similarity: float
    why: str


def touching(nodes: Sequence[Node], settings: BuildSettings) -> list[Touch]:
    """Every pair of a gold and a train row that touch, most similar first."""
    gold = np.array([node.gold for node in nodes], dtype=bool)
    if gold.all() or not gold.any():
        return []  # most builds have no gold, and the word sets of every question take a while
    sets = word_sets([node.question for node in nodes], [node.language for node in nodes])
    found: dict[tuple[int, int], Touch] = {}

    def add(left: int, right: int, score: float, why: str) -> None:
        one, other = (left, right) if gold[left] else (right, left)
        found.setdefault((one, other), Touch(one, other, round(score, 4), why))

    for left, right, score in zip(*near_duplicates_across(sets, settings.near_duplicate, gold), strict=True):
        add(int(left), int(right), float(score), "the questions nearly repeat each other")
    pairs = _about_one_passage(nodes)
    for (left, right), score in zip(pairs, _scores(sets, pairs), strict=True):
        if score >= settings.same_passage_duplicate:
            add(left, right, float(score), "one paraphrases the other about the same passage")
        elif settings.gold_chunks == "held-out":
            add(left, right, float(score), "they share a passage, and gold_chunks is held-out")
    return sorted(found.values(), key=lambda touch: (-touch.similarity, touch.gold, touch.train))


def components(nodes: Sequence[Node], settings: BuildSettings) -> list[str]:
    """The name of each node's connected component; the name depends on its members' ids alone.

    Passages connect rows of one origin only, unless gold_chunks is held-out: see the module's docstring.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    sets = word_sets([node.question for node in nodes], [node.language for node in nodes])
    left, right, _ = near_duplicates(sets, settings.near_duplicate)
    links = list(zip(left.tolist(), right.tolist(), strict=True))
    links += _passage_links(nodes, across=settings.gold_chunks == "held-out")
    pairs = _about_one_passage(nodes)
    close = _scores(sets, pairs) >= settings.same_passage_duplicate
    links += [pair for pair, near in zip(pairs, close, strict=True) if near]
    ones, others = _columns(links)
    graph = coo_matrix((np.ones(len(links)), (ones, others)), shape=(len(nodes), len(nodes)))
    _, labels = connected_components(graph)  # weakly connected: the direction of a link says nothing
    members: dict[int, list[str]] = defaultdict(list)
    for node, label in zip(nodes, labels, strict=True):
        members[int(label)].append(node.id)
    names = {label: record_id("k", {"members": sorted(ids)}) for label, ids in members.items()}
    return [names[int(label)] for label in labels]


def assign(names: Sequence[str], shares: Sequence[tuple[str, float]], rest: str, seed: int) -> list[str]:
    """A split for each row, whole components at a time.

    ``shares`` are (split, share of the rows) and are filled in this order from the components in a seeded order; a component larger
    than what a split still lacks is left to the next one, and what is left over goes to ``rest``. So a split may end a little
    short of its share, never over it. A share above 0 gets at least one component if there is one to spare.
    """
    sizes: dict[str, int] = defaultdict(int)
    for name in names:
        sizes[name] += 1
    order = sorted(sizes, key=lambda name: hash_value([seed, name]))
    chosen: dict[str, str] = {}
    for split, share in shares:
        wanted = share * len(names)
        taken = 0
        free = [name for name in order if name not in chosen]
        for name in free:
            if taken + sizes[name] <= wanted:
                chosen[name] = split
                taken += sizes[name]
        if not taken and share > 0 and len(free) > 1:
            chosen[min(free, key=lambda name: sizes[name])] = split
    return [chosen.get(name, rest) for name in names]


def leaks(
    splits: Sequence[str], questions: Sequence[str] | Any, codes: Sequence[str], threshold: float, pieces: Pieces | None = None
) -> list[tuple[int, int, float]]:
    """(row, row, similarity) of near-duplicate questions that lie in different splits: what a build must never leave behind."""
    sides = np.unique(np.asarray(splits), return_inverse=True)[1]
    pairs = near_duplicates_across(word_sets(questions, codes, pieces), threshold, sides)
    return [(int(left), int(right), float(score)) for left, right, score in zip(*pairs, strict=True)]


def _scores(sets: WordSets, pairs: Sequence[tuple[int, int]]) -> Floats:
    return jaccard_of(sets, *_columns(pairs))


def _columns(pairs: Sequence[tuple[int, int]]) -> Ints:
    """(2, p): the first and the second of each pair."""
    return np.array(pairs, dtype=np.int64).reshape(len(pairs), 2).T


def _by_passage(nodes: Sequence[Node]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for position, node in enumerate(nodes):
        for passage in node.passages:
            found[passage].append(position)
    return found


def _passage_links(nodes: Sequence[Node], *, across: bool) -> list[tuple[int, int]]:
    """A chain through the rows of each passage; gold and synthetic rows have chains of their own unless ``across``."""
    links: list[tuple[int, int]] = []
    for rows in _by_passage(nodes).values():
        chains = [rows] if across else _by_origin(nodes, rows)
        for chain in chains:
            links += pairwise(chain)
    return links


def _about_one_passage(nodes: Sequence[Node]) -> list[tuple[int, int]]:
    """Pairs of a gold and a synthetic row that share a passage."""
    pairs: set[tuple[int, int]] = set()
    for rows in _by_passage(nodes).values():
        gold, synthetic = _by_origin(nodes, rows)
        pairs.update((i, j) for i in gold for j in synthetic)
    return sorted(pairs)


def _by_origin(nodes: Sequence[Node], rows: Sequence[int]) -> tuple[list[int], list[int]]:
    """The gold ones of the rows, and the synthetic ones."""
    return [i for i in rows if nodes[i].gold], [i for i in rows if not nodes[i].gold]
