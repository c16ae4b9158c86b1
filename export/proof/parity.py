"""Is the file the model? Checks on the very .tflite that ships, in LiteRT's interpreter, on the run's own texts.

The float32 file is held to a cosine of 0.99999: a wrong rotary base still scores 0.999. The quantised file is held to its ranking, to
the distance of every weight from its float32 original, and to agreement between its signatures and kernels. Whatever differs
by design (rounding) is measured; whatever must not differ (token ids, types, padding) is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from triplette.arrays import Vector, Vectors
from triplette.contract import PromptContract
from triplette.errors import ProofFailed
from triplette.export.convert.stage import Subject
from triplette.export.litert import LiteRtModel, SignatureSpec
from triplette.export.proof import audit
from triplette.export.proof.checks import Check, Proof
from triplette.export.proof.ranking import check_hybrid, check_ranking
from triplette.export.proof.reference import Reference, cut
from triplette.export.proof.sample import Sample, probe_texts
from triplette.export.runtime import Embedder
from triplette.settings.export import ExportSettings

PADDED_LENGTH = 512  # from here on, masks of -inf gave NaN for padded texts
ALL_PROBES = 512  # longest signature that runs every probe


@dataclass(frozen=True, slots=True)
class Case:
    """One probe at one signature: its ids, the side of the padding, and PyTorch's vector at the largest dimension."""

    ids: tuple[int, ...]
    signature: SignatureSpec
    left: bool
    truth: Vector


def prove(
    subject: Subject,
    sample: Sample,
    corpus: Vectors,
    settings: ExportSettings,
    note: Callable[[str], None],
    *,
    reference: Reference | None = None,
) -> Proof:
    """Every check. ``corpus`` holds the file's own vectors of the sample's passages, float32 (n, d).

    ``note`` is told what is being measured. ``reference`` is the subject's PyTorch model, loaded here unless it is given.
    """
    embedder = Embedder(subject.folder, threads=settings.threads)
    checks = [check_contract(subject, embedder.contract)]
    note("PyTorch: embedding the sample")
    reference = reference or Reference(subject.model)
    texts = Texts.of(subject.contract, sample, embedder.limit, reference)
    checks.append(check_token_ids(texts, embedder, sample))
    truth = reference.vectors(texts.questions), reference.vectors(texts.passages)
    cases = make_cases(reference, sample, embedder)
    del reference  # a gigabyte at full size, before the interpreters take theirs
    note("float32 file against PyTorch")
    checks += check_float32(subject, embedder, cases, settings)
    note("quantised file: weights, signatures, kernels")
    checks += check_weights(subject, embedder)
    checks += check_quantised(subject, embedder, cases, settings)
    note("quantised file: ranking")
    mine = np.stack([embedder.model.run(ids)[embedder.dimension] for ids in map(embedder.query_ids, sample.questions)])
    checks.append(check_ranking(sample, truth, (mine, corpus), embedder.spec.dimensions, settings.max_drop))
    if subject.contract.fusion is not None:
        checks.append(check_hybrid(sample, truth, (mine, corpus), subject.contract.fusion, settings.max_drop))
    embedder.model.close()
    return Proof(tuple(checks))


@dataclass(frozen=True, slots=True)
class Texts:
    """The sample's token ids as the model's own tokenizer and the run's contract give them."""

    questions: list[list[int]]
    passages: list[list[int]]

    @classmethod
    def of(cls, contract: PromptContract, sample: Sample, limit: int, reference: Reference) -> Texts:
        """Ids cut at the bundle's limit, so that tokens are compared and not the limit."""
        questions = [contract.format_query(text) for text in sample.questions]
        passages = [contract.format_document(chunk.text, chunk.title) for chunk in sample.chunks]
        return cls(reference.ids(questions, limit), reference.ids(passages, limit))


def check_contract(subject: Subject, staged: PromptContract) -> Check:
    """The contract in the bundle is the model's, field by field."""
    try:
        subject.contract.check(staged, where="contract.json")
    except Exception as error:
        return Check("contract", False, str(error).split("\n", 1)[0])
    return Check("contract", True, f"the model's own ({staged.hash[:12]})")


def check_token_ids(texts: Texts, embedder: Embedder, sample: Sample) -> Check:
    """The bundle's prompts and tokenizer give the model's ids for every question and passage of the sample."""
    mine = [embedder.query_ids(text) for text in sample.questions]
    mine += [embedder.document_ids(chunk.text, chunk.title) for chunk in sample.chunks]
    named = [*sample.questions, *(chunk.id for chunk in sample.chunks)]
    differing = [
        f"{name!r}: {a[:8]} by the bundle, {b[:8]} by the model"
        for name, a, b in zip(named, mine, [*texts.questions, *texts.passages], strict=True)
        if a != b
    ]
    total = len(named)
    if differing:
        return Check("token_ids", False, f"{len(differing)} of {total} texts differ, first {differing[0]}", {"texts": total})
    cut_short = sum(len(ids) == embedder.limit for ids in texts.passages)
    figures = {"texts": total, "differing": 0, "passages_at_the_limit": cut_short, "limit": embedder.limit}
    return Check("token_ids", True, f"equal on {total} texts; {cut_short} passages reach the limit of {embedder.limit} tokens", figures)


def make_cases(reference: Reference, sample: Sample, embedder: Embedder) -> list[Case]:
    """Probes at every signature: short, real and full ones, each padded on both sides, with PyTorch's vectors."""
    cases = []
    texts = probe_texts(sample)
    for signature in embedder.spec.signatures:
        every = sorted({tuple(ids) for ids in reference.ids(texts, signature.length)}, key=lambda ids: (len(ids), ids))
        # attention grows with the square of the length: three probes say as much there as ten
        probes = every if signature.length <= ALL_PROBES else [every[0], every[len(every) // 2], every[-1]]
        truths = reference.vectors(probes)
        for ids, truth in zip(probes, truths, strict=True):
            sides = (False, True) if len(ids) < signature.length else (False,)
            cases += [Case(ids, signature, left, truth) for left in sides]
    return cases


def check_float32(subject: Subject, embedder: Embedder, cases: Sequence[Case], settings: ExportSettings) -> list[Check]:
    """The float32 file against PyTorch: every probe, signature, side and dimension; then the cases that break other converters."""
    found = _against_pytorch(LiteRtModel(subject.float_folder, embedder.spec, threads=settings.threads), cases)
    floor = settings.float32_cosine
    window = subject.architecture.window
    checks = [
        _cosines("float32", found, floor, "probes at every length and dimension"),
        _cosines("padding", [f for f in found if _is_padded(f[0])], floor, f"short texts padded to {PADDED_LENGTH} tokens or more"),
        _cosines("window", [f for f in found if window and len(f[0].ids) > window], floor, _beyond(window)),
    ]
    plain = LiteRtModel(subject.float_folder, embedder.spec, threads=settings.threads, kernels="plain")
    on_plain = _against_pytorch(plain, _ends(cases))
    return [*checks, _cosines("plain_kernels", on_plain, floor, "the shortest and the longest probe, without XNNPACK")]


def _against_pytorch(model: LiteRtModel, cases: Sequence[Case]) -> list[tuple[Case, float]]:
    """Each case with its lowest cosine over the dimensions. The model is closed after each signature: XNNPACK packs the float32
    weights of every open one, 0.4 GB each at full size."""
    found = []
    for name in dict.fromkeys(case.signature.name for case in cases):
        mine = [case for case in cases if case.signature.name == name]
        found += [(case, _worst_cosine(model.run(case.ids, case.signature, left=case.left), case.truth)) for case in mine]
        model.close()
    return found


def check_weights(subject: Subject, embedder: Embedder) -> list[Check]:
    """The types of all weights as the recipe says, and every weight close to its float32 original."""
    problems: list[str] = []
    figures: dict[str, object] = {}
    far: list[str] = []
    worst: dict[str, float] = {}
    for file in embedder.spec.files:
        quantised, original = audit.read_model(subject.folder / file), audit.read_model(subject.float_folder / file)
        found = audit.weights(quantised)
        signatures = sum(signature.file == file for signature in embedder.spec.signatures)
        problems += audit.check_types(found, subject.recipe, subject.architecture, signatures)
        figures[file] = audit.summary(found)
        for weight, error in audit.weight_errors(quantised, original):
            worst[weight.scope] = max(worst.get(weight.scope, 0.0), error)
            if not error <= audit.WORST_ERROR.get(weight.bits, 0.0):
                far.append(f"{weight.scope} {weight.name} ({weight.kind}) is off by {error:.3f}")
    scopes = dict.fromkeys(weight.scope for weight in subject.architecture.weights)
    kinds = ", ".join(f"{scope} {subject.recipe.expected(scope)}" for scope in scopes)
    shown = ", ".join(f"{scope} {error:.4f}" for scope, error in worst.items())
    return [
        Check("types", not problems, "; ".join(problems) or kinds, figures),
        Check("weights", not far, "; ".join(far[:3]) or f"largest relative error: {shown}", {"worst": worst, "far": len(far)}),
    ]


def check_quantised(subject: Subject, embedder: Embedder, cases: Sequence[Case], settings: ExportSettings) -> list[Check]:
    """The quantised file: dimensions that nest, signatures and kernels that agree, distance from PyTorch."""
    model = embedder.model
    outputs = [(case, model.run(case.ids, case.signature, left=case.left)) for case in cases]
    checks = [check_dimensions(outputs)]
    first: dict[tuple[int, ...], Vector] = {}
    agreement = []
    for case, output in outputs:
        if not case.left:
            vector = output[embedder.dimension]
            agreement.append((case, _cosine(vector, first.setdefault(case.ids, vector))))
    checks.append(_cosines("signatures", agreement, settings.signature_cosine, "the same text at other lengths"))
    plain = LiteRtModel(subject.folder, embedder.spec, threads=settings.threads, kernels="plain")
    # one run: a kernel knows a type or does not, and at full size plain 4-bit kernels take a minute for 256 tokens
    few = {id(case) for case in _ends(cases)[:1]}
    kernels = [
        (case, _worst_cosine(plain.run(case.ids, case.signature, left=case.left), output[embedder.dimension]))
        for case, output in outputs
        if id(case) in few
    ]
    plain.close()
    checks.append(_cosines("kernels", kernels, settings.kernel_cosine, "with and without XNNPACK"))
    distance = [(case, _cosine(output[embedder.dimension], case.truth)) for case, output in outputs]
    return [*checks, _cosines("quantised", distance, settings.quantised_cosine, "probes against PyTorch at every length")]


def check_dimensions(outputs: Iterable[tuple[Case, dict[int, Vector]]]) -> Check:
    """Every output has length 1 and is the beginning of the largest one, normalised."""
    worst, wrong = 0.0, ""
    for case, output in outputs:
        largest = output[max(output)]
        for dimension, vector in output.items():
            error = float(np.abs(vector - cut(largest[None], dimension)[0]).max())
            error = max(error, abs(float(np.linalg.norm(vector)) - 1.0))
            if not error <= 1e-4 and not wrong:
                wrong = f"{len(case.ids)} tokens at {case.signature.name}, {dimension} numbers: off by {error:.2e}"
            worst = max(worst, error) if np.isfinite(error) else float("inf")
    finite = worst if np.isfinite(worst) else -1.0
    return Check("dimensions", not wrong, wrong or f"all outputs are normalised beginnings, within {worst:.1e}", {"worst": finite})


def _cosines(name: str, found: Sequence[tuple[Case, float]], floor: float, what: str) -> Check:
    if not found:
        return Check(name, True, f"no {what}", {"cases": 0})
    values = np.array([value for _, value in found])
    case, lowest = min(found, key=lambda pair: pair[1])
    place = f"{len(case.ids)} tokens at {case.signature.name}, padded {'left' if case.left else 'right'}"
    figures = {
        "cases": len(found),
        "min": float(values.min()),
        "mean": float(values.mean()),
        "p5": float(np.quantile(values, 0.05)),
        "floor": floor,
        "by_signature": {
            signature: float(min(v for c, v in found if c.signature.name == signature))
            for signature in dict.fromkeys(c.signature.name for c, _ in found)
        },
    }
    return Check(name, bool(lowest >= floor), f"{what}: cosine at least {lowest:.7f} ({place}), floor {floor}", figures)


def _beyond(window: int) -> str:
    return (
        f"texts longer than the window of {window} tokens" if window else "texts longer than a window (every layer sees the whole text)"
    )


def _is_padded(case: Case) -> bool:
    return case.signature.length >= PADDED_LENGTH and len(case.ids) * 4 <= case.signature.length


def _ends(cases: Sequence[Case]) -> list[Case]:
    """The shortest and the longest probe of every signature, padded on the right."""
    chosen = []
    for name in dict.fromkeys(case.signature.name for case in cases):
        mine = [case for case in cases if case.signature.name == name and not case.left]
        chosen += [mine[0], mine[-1]] if len(mine) > 1 else mine
    return chosen


def _worst_cosine(output: dict[int, Vector], truth: Vector) -> float:
    """The lowest cosine over the dimensions with the truth cut alike; -1 where it is not a number."""
    return min(_cosine(vector, truth[:dimension]) for dimension, vector in output.items())


def _cosine(a: Vector, b: Vector) -> float:
    x, y = a.astype(np.float64), b.astype(np.float64)
    value = float(x @ y / max(float(np.linalg.norm(x) * np.linalg.norm(y)), 1e-30))
    return value if np.isfinite(value) else -1.0


def embed_corpus(embedder: Embedder, chunks: Iterable[tuple[str, str]], advance: Callable[[], None]) -> Vectors:
    """The file's vectors of passages (text, title), float32 (n, d). A vector that is not of length 1 is a ProofFailed."""
    rows = []
    for text, title in chunks:
        rows.append(embedder.embed_document(text, title))
        advance()
    if not rows:
        raise ProofFailed("the corpus is empty", cure="run `curate build` first")
    return np.stack(rows)
