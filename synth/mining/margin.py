"""Positive-aware filtering with a margin tuned to the encoder.

NV-Retriever (Moreira et al. 2024) drops a candidate that scores above a fixed share of its positive's score. A share means something
else for every encoder: 0.95 drops nearly all candidates of one and none of another. Three changes:

* **Relative evidence.** From each score the question's mean over the corpus is taken away before dividing by the positive's: 0 is a
  passage picked at random, 1 is the positive. Both rankers must be convinced, so the smaller of the two counts.
* **Likeness to the positive.** On 133 candidates of real rules that we labelled by hand (docs/experiments.md), the cosine of candidate
  and positive told the ones that also answer (ROC AUC 0.85) better than the question's scores did (0.74; 0.80 the smaller of the two);
  half of each, 0.87. That half-and-half is the *answer likeness*.
* **The limit.** Where a false negative lies for this encoder and this corpus is measured on known ones, made by moving the sentence of
  a positive that its question is about to the end of a passage that the rankers take for relevant: that passage now answers. The limit is
  the quantile under which only ``missed_answers`` of them stay. A label costs a reading once; the quantile carries over to another
  encoder, a score does not.

The floor comes from the other end: pairs of a question and a random passage. A candidate must beat 95 % of them, or it would be a filler.
It never closes the window: where random pairs reach the limit (a small corpus about one thing), a limit from few known answers gives way
to the stored one, and a floor that is still not under it is dropped. Both are said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from triplette.arrays import Ints, Scores, Vectors
from triplette.languages import Language, language
from triplette.ranking.encoder import Encoder
from triplette.ranking.lexical import LexicalRanker, passage_tokens
from triplette.records import Chunk
from triplette.synth.mining.rank import Candidates

HOSTS = 5  # the best candidates, of which one is given the answer
CAP = 1.2  # of a relative score: beyond it a larger one says no more, and a hopeless positive divides by almost nothing
ANSWER_SHARE = 0.4  # of the question's tokens that its sentence must hold, to be taken for the one it is about
LONGEST_SHARE = 2 / 3  # of the passage that this sentence may be: a passage that is one sentence is a near-duplicate when moved
FEWEST = 30  # known answers under which the quantile is not trusted
PLENTY = 100  # known answers from which it is trusted even where it lies under the floor of random pairs
FALLBACK_LIMIT = 0.56  # what LSA gave on the French federation's rules: used, and said, where the corpus is too small to tell
RANDOM_SHARE = 0.95  # of random pairs that a candidate must beat
RANDOM_PAIRS = 2000


@dataclass(frozen=True, slots=True)
class Material:
    """What mining works on: passages and questions, their tokens and vectors (the passages' may lie on disk), each question's positive."""

    chunks: Sequence[Chunk]
    passages: Vectors
    asked_tokens: Sequence[Sequence[str]]
    asked: Vectors
    positives: Ints
    bm25: LexicalRanker
    encoder: Encoder


@dataclass(frozen=True, slots=True)
class Margin:
    """Answer likeness a negative must stay under (``limit``) and reach (``floor``), and the distributions they come from.

    ``known`` and ``random`` are quantiles (5, 25, 50, 75, 95 %) of the answer likeness of ``answers`` passages made to answer, and of random
    pairs. ``tuned`` is false where the corpus gave too few of the former; ``floor`` is 0 where random pairs reach the limit.
    """

    limit: float
    floor: float
    tuned: bool
    answers: int
    known: tuple[float, ...]
    random: tuple[float, ...]


def relative(scores: Scores, positive: Scores, base: Scores) -> Scores:
    """Scores (q, m) on a scale where the question's mean ``base`` (q,) is 0 and its ``positive`` (q,) is 1, capped to 0..CAP.

    Where the positive does not beat the mean, nothing can be told from this ranker and every candidate gets CAP.
    """
    room = (positive - base)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (scores - base[:, None]) / room
    return np.clip(np.where(room > 0, ratio, CAP), 0, CAP)


class Likeness:
    """Answer likeness of passages, for the questions of one corpus: 0 is a random passage, 1 the positive itself."""

    def __init__(self, material: Material, positive_bm25: Scores, positive_dense: Scores) -> None:
        mean = material.passages.mean(axis=0) if len(material.passages) else np.zeros(material.passages.shape[1])
        self._base = material.asked @ mean
        self._own_base = (material.passages @ mean)[material.positives]
        self._bm25, self._dense = positive_bm25, positive_dense
        self._none = np.zeros(len(material.positives))  # BM25's own zero: no shared term

    def evidence(self, bm25: Scores, dense: Scores, rows: Ints | slice = slice(None)) -> Scores:
        """The smaller of the two rankers' relative scores, (q, m)."""
        lexical = relative(bm25, self._bm25[rows], self._none[rows])
        return np.minimum(lexical, relative(dense, self._dense[rows], self._base[rows]))

    def of(self, evidence: Scores, with_positive: Scores, rows: Ints | slice = slice(None)) -> Scores:
        """Half the evidence, half the cosine with the positive (relative in the same way), (q, m)."""
        base = self._own_base[rows]
        return (evidence + relative(with_positive, np.ones(len(base)), base)) / 2


def tune(
    material: Material,
    candidates: Candidates,
    likeness: Likeness,
    alike: Sequence[frozenset[int]],
    *,
    missed: float,
    sample: int,
    seed: int,
) -> Margin:
    """The limit and the floor for this encoder on this corpus; ``missed`` is the share of known answers that may stay under.

    ``alike`` are each passage's look-alikes: a random passage that says what the positive says is no example of a random one.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(material.positives))
    known = _known_answers(material, candidates, likeness, order, sample, random)
    lost = _random_pairs(material, likeness, alike, random)
    floor = float(np.quantile(lost, RANDOM_SHARE)) if len(lost) else 0.0
    limit = float(np.quantile(known, missed)) if len(known) >= FEWEST else FALLBACK_LIMIT
    tuned = len(known) >= FEWEST and (limit > floor or len(known) >= PLENTY)
    if not tuned:
        limit = FALLBACK_LIMIT
    return Margin(round(limit, 3), open_floor(floor, limit), tuned, len(known), _quantiles(known), _quantiles(lost))


def open_floor(floor: float, limit: float) -> float:
    """The floor, or 0 where it would leave nothing between itself and the limit."""
    return round(floor, 3) if round(floor, 3) < round(limit, 3) else 0.0


def _known_answers(
    material: Material, candidates: Candidates, likeness: Likeness, order: Ints, sample: int, random: np.random.Generator
) -> Scores:
    """Answer likeness of passages that were given the sentence that answers."""
    rows: list[int] = []
    texts: list[str] = []
    titles: list[str] = []
    speech: list[Language] = []
    for row in order:
        if len(rows) == sample:
            break
        own = material.chunks[material.positives[row]]
        hosts = [number for number in candidates.ids[row, :HOSTS].tolist() if number >= 0]
        sentence = answering_sentence(material.asked_tokens[row], own.text, language(own.language))
        if hosts and sentence:
            host = material.chunks[hosts[int(random.integers(len(hosts)))]]
            rows.append(int(row))
            texts.append(f"{host.text} {sentence}")
            titles.append(host.title)
            speech.append(language(host.language))
    if not rows:
        return np.zeros(0)
    chosen = np.array(rows)
    vectors = material.encoder.encode_documents(texts, titles)
    lexical = material.bm25.score_pairs(
        [material.asked_tokens[row] for row in rows],
        [spoken.tokens(f"{title} {text}") for spoken, title, text in zip(speech, titles, texts, strict=True)],
    )
    dense = (material.asked[chosen] * vectors).sum(axis=1)
    alike = (material.passages[material.positives[chosen]] * vectors).sum(axis=1)
    evidence = likeness.evidence(lexical[:, None], dense[:, None], chosen)
    return likeness.of(evidence, alike[:, None], chosen)[:, 0]


def answering_sentence(asked: Sequence[str], passage: str, spoken: Language) -> str:
    """The sentence of ``passage`` that shares most with the question, or "" when none stands out as its subject."""
    wanted = set(asked)
    found = [sentence for line in passage.split("\n") for sentence in spoken.sentences(line)]
    if not wanted or len(found) < 2:
        return ""
    shares = [len(wanted & set(spoken.tokens(sentence))) / len(wanted) for sentence in found]
    best = int(np.argmax(shares))
    return found[best] if shares[best] >= ANSWER_SHARE and len(found[best]) <= LONGEST_SHARE * len(passage) else ""


def _random_pairs(material: Material, likeness: Likeness, alike: Sequence[frozenset[int]], random: np.random.Generator) -> Scores:
    """Answer likeness of random passages to random questions, the positive and its look-alikes apart."""
    if len(material.chunks) < 2 or not len(material.positives):
        return np.zeros(0)
    rows = random.integers(len(material.positives), size=RANDOM_PAIRS)
    others = random.integers(len(material.chunks), size=RANDOM_PAIRS)
    positives = material.positives[rows]
    differ = np.array(
        [other != own and other not in alike[own] for own, other in zip(positives.tolist(), others.tolist(), strict=True)]
    )
    rows, others = rows[differ], others[differ]
    drawn = [material.chunks[number] for number in others.tolist()]
    lexical = material.bm25.score_pairs(
        [material.asked_tokens[row] for row in rows], [passage_tokens(chunk.language, chunk.title, chunk.text) for chunk in drawn]
    )
    dense = (material.asked[rows] * material.passages[others]).sum(axis=1)
    with_positive = (material.passages[material.positives[rows]] * material.passages[others]).sum(axis=1)
    return likeness.of(likeness.evidence(lexical[:, None], dense[:, None], rows), with_positive[:, None], rows)[:, 0]


def _quantiles(values: Scores) -> tuple[float, ...]:
    return tuple(round(float(value), 3) for value in np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])) if len(values) else ()
