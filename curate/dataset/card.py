"""The data card: dataset/README.md, for a reader on the Hugging Face hub and for an auditor of an AI management system.

The sections follow what ISO/IEC 42001:2023 annex A.7 (data for AI systems) asks to be on record: acquisition, quality, provenance,
preparation; and A.6.2.3 / A.9 for purpose and human oversight. Everything on it is read off the run; what nobody said is
called unknown. No clock: the same dataset has the same card, but for a review quota that its validation lowered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from typing import Any

from triplette import __version__
from triplette.criteria import CRITERIA
from triplette.curate.dataset.composition import summary_rows
from triplette.dataset import HASHED_FILES, dataset_hash
from triplette.gate import STAGE, quota_stamp
from triplette.rundir import RunDir
from triplette.settings.build import BuildSettings
from triplette.tables import write_text

LIBRARIES = ("datasets", "pyarrow", "numpy", "scikit-learn", "faiss-cpu", "rank-bm25")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))


def write_card(run: RunDir, composition: Mapping[str, Any], settings: BuildSettings) -> None:
    """Write dataset/README.md."""
    write_text(run.path("dataset/README.md"), render(run, composition, settings))


def render(run: RunDir, composition: Mapping[str, Any], settings: BuildSettings) -> str:
    """The card's text."""
    parts = (
        _header(composition, settings),
        f"# {settings.name}",
        _opening(composition, settings),
        _files(),
        "## Composition\n\n" + _table(("", ""), summary_rows(composition)),
        _provenance(composition, settings),
        _quality(composition),
        _oversight(composition, _stamp(run)),
        _limits(composition, settings),
        _versions(run),
    )
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _header(composition: Mapping[str, Any], settings: BuildSettings) -> str:
    total = sum(composition["rows"].values())
    size = next((label for limit, label in _SIZES if total < limit), "n>10M")
    lines = [
        "---",
        f"pretty_name: {_quoted(settings.name)}",
        "language:\n" + "\n".join(f"- {code}" for code in _languages(composition, settings)),
        f"license: {settings.licence or 'unknown'}",
        "task_categories:\n- text-retrieval\n- sentence-similarity",
        "tags:\n- sentence-transformers\n- hard-negatives\n- synthetic\n- triplette",
        f"size_categories:\n- {size}",
        "annotations_creators:\n- machine-generated"
        + ("\n- found" if any(composition["origins"]["document"].values()) else "")
        + ("\n- expert-generated" if composition["origins"]["gold"]["test"] else ""),
        "configs:",
        _config("default", {"train": "train.parquet"}, default=True),
        _config("triplets", {"train": "triplets.parquet"}),
        _config("evaluation", {"validation": "val.parquet", "test": "test.parquet"}),
        _config("rows", {"all": "rows.parquet"}),
        _config("corpus", {"all": "corpus.parquet"}),
        "---",
    ]
    return "\n".join(lines)


def _languages(composition: Mapping[str, Any], settings: BuildSettings) -> list[str]:
    """The codes of the languages, most frequent first; "und" (undetermined) where nobody knows."""
    counts = composition["languages"]
    return (
        [settings.language]
        if settings.language
        else sorted((code or "und" for code in counts), key=lambda code: -counts.get(code, 0)) or ["und"]
    )


def _config(name: str, files: Mapping[str, str], *, default: bool = False) -> str:
    lines = [f"- config_name: {name}", *(["  default: true"] if default else []), "  data_files:"]
    for split, path in files.items():
        lines += [f"  - split: {split}", f"    path: {path}"]
    return "\n".join(lines)


def _opening(composition: Mapping[str, Any], settings: BuildSettings) -> str:
    counts = composition["rows"]
    gold = sum(composition["origins"]["gold"].values())
    measured = f"{gold} gold questions by people" if gold else "synthetic questions cut off by connected component (no gold was given)"
    return (
        f"**Purpose.** {settings.purpose}\n\n"
        f"{counts['train']} training rows: a question, the passage that answers it, and hard negatives that seem to. "
        f"Validation ({counts['val']}) and test ({counts['test']}) are {measured}.\n\n"
        f"**Responsible.** {settings.contact or 'unknown: set contact in [curate.build]'}\n\n"
        f"**Licence.** {settings.licence or 'unknown: set licence in [curate.build]'}. "
        f"Source documents: {settings.source_licence or 'unknown: set source_licence in [curate.build]'}."
    )


def _files() -> str:
    rows = [
        ("`train.parquet`", "`anchor`, `positive`, `negative_1` .. `negative_n`: the n-tuples that sentence-transformers reads"),
        ("`triplets.parquet`", "the rows that have a hard negative as `anchor`, `positive`, `negative`, with the hardest only"),
        ("`val.parquet`, `test.parquet`", "`anchor`, `positive`"),
        ("`rows.parquet`", "every row of the three, in their order, with ids and provenance"),
        ("`corpus.parquet`", "every passage: evaluation ranks against all of it"),
        ("`beir/`", "the same as BEIR lays it out: corpus.jsonl, queries.jsonl, qrels/"),
        ("`composition.json`", "the numbers of this page"),
    ]
    note = "Texts carry no prompt prefixes: the model's prompt contract adds them."
    return "## Files\n\n" + _table(("file", "content"), rows) + "\n\n" + note


def _provenance(composition: Mapping[str, Any], settings: BuildSettings) -> str:
    shown = list(composition["sources"].items())
    sources = _table(("document", "rows"), shown[:50])
    if len(shown) > 50:
        sources += f"\n\n... and {len(shown) - 50} more in composition.json."
    mined = ", ".join(composition["encoders"]) or "unknown"
    return (
        "## Provenance and preparation\n\n"
        "Documents were cut into passages, questions were written over each passage, negatives were mined by BM25 and a dense ranker "
        f"(encoder: {mined}) with a positive-aware margin, and every decision after that is a record of its own. Nothing was edited "
        "in place; rows that fell out are kept with step and reason in the run's rejected.parquet.\n\n"
        "Splits: whole connected components over shared passages and near-duplicate questions; gold measures and never trains; "
        f"gold passages: `{settings.gold_chunks}`.\n\n"
        "### Sources\n\n" + sources + "\n\n### Writers\n\n"
        "provider / model / prompt version\n\n" + _table(("writer", "rows"), composition["writers"].items())
    )


def _quality(composition: Mapping[str, Any]) -> str:
    rows = [(judge, _inline(decisions)) for judge, decisions in composition["judges"].items()]
    rejected = list(composition["rejected"].items()) or [("none", 0)]
    return (
        "## Quality measures\n\n"
        f"Judges score {', '.join(c.told for c in CRITERIA[:-1])} and {CRITERIA[-1].told} from 0 to 1 and fail closed: "
        "what cannot be judged is left out.\n\n"
        + _table(("judge", "decisions"), rows)
        + "\n\nRows that fell out:\n\n"
        + _table(("step and reason", "rows"), rejected)
        + "\n\nBalance of the synthetic rows:\n\n"
        + _table(
            ("", "rows"),
            [
                ("kinds", _inline(composition["kinds"])),
                ("personas", _inline(composition["personas"])),
                ("difficulties", _inline(composition["difficulties"])),
            ],
        )
    )


def _stamp(run: RunDir) -> str:
    """What this dataset's last validation did to the review quota."""
    last = run.last(STAGE)
    if last is None or last["inputs"] != run.fingerprints(HASHED_FILES):
        return ""
    return quota_stamp(float(last["settings"]["review_quota"]))


def _oversight(composition: Mapping[str, Any], stamp: str) -> str:
    reviewed, train = composition["reviewed"]["train_rows"], composition["rows"]["train"]
    share = 100 * reviewed / train if train else 0.0
    return (
        "## Human oversight\n\n"
        f"People reviewed {reviewed} of the {train} training rows ({share:.1f} %). A person's decision goes before every "
        "automatic one. Training is refused until the review quota is filled for every kind of question; a run that ignores it is marked "
        "`ungated` on the model card.\n\n"
        "Roles: a writer (rules, LLM or a person) proposes; a judge and the expectations filter; reviewers decide; "
        "the responsible person named above answers for the dataset." + (f"\n\n{stamp}" if stamp else "")
    )


def _limits(composition: Mapping[str, Any], settings: BuildSettings) -> str:
    limits = [
        "Questions were written with the passage in view: their wording is closer to it than a user's would be, and rankers look "
        "better on them than in use.",
        "A negative was checked by the judge, not by a person, unless it was reviewed; some may answer the question after all.",
        "The passages say what the documents said when they were read; documents change.",
    ]
    if any(writer.startswith("rules/") for writer in composition["writers"]):
        limits.append("Questions by the built-in rules follow a small set of patterns; a model may learn the pattern.")
    if any(writer.startswith(("llm/", "import/")) for writer in composition["writers"]):
        limits.append("Questions by a language model carry its habits and may carry its errors.")
    if not sum(composition["origins"]["gold"].values()):
        limits.append("There is no gold: validation and test are synthetic too, so figures on them compare, but do not measure use.")
    elif settings.gold_chunks == "shared" and composition["gold_about_trained_passages"]:
        limits.append(
            f"{composition['gold_about_trained_passages']} gold questions are about passages that train has other questions about: "
            "the test measures new questions on a known corpus, not new documents."
        )
    bias = (
        f"**Bias.** {_spoken(composition)}, one domain, the personas and kinds counted above. Subjects with more text have more questions, "
        f"and {composition['corpus']['chunks'] - composition['corpus']['with_a_train_question']} passages have none in train."
    )
    return "## Known limits and bias\n\n" + "\n".join(f"* {limit}" for limit in limits) + f"\n\n{bias}"


def _spoken(composition: Mapping[str, Any]) -> str:
    counts = composition["languages"]
    return "One language" if len(counts) < 2 else f"{len(counts)} languages ({_inline(counts)} rows)"


def _versions(run: RunDir) -> str:
    hashes = [(f"`{name.removeprefix('dataset/')}`", f"`{digest}`") for name, digest in run.fingerprints(HASHED_FILES).items()]
    made = [("triplette", __version__), *((name, metadata.version(name)) for name in LIBRARIES)]
    return (
        "## Versions and hashes\n\n"
        f"Dataset hash: `{dataset_hash(run)}` (what the gate before training signs).\n\n"
        + _table(("file", "sha256"), hashes)
        + "\n\n"
        + _table(("library", "version"), made)
    )


def _inline(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    """A value that cannot break out of its table cell: file names and model names are data."""
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
