"""Validation at 100,000 triplets: the whole suite against the same library running six plain column expectations.

    python benchmarks/validate.py --make --triplets 100000 --folder DIR
    python benchmarks/validate.py --only suite --folder DIR          (bench.py runs the four in turn)

It makes a run of that size (invented words, so that nothing is anybody's text), builds the dataset, and times, each in a process of its own:

* ``plain``: the library reads triplets.parquet with its own Parquet asset and runs six column expectations through a Checkpoint;
* ``lean``: the same six, on a frame of only the columns that they need, read beforehand by pyarrow: the least the library can take;
* ``suite``: ``curate validate`` without Data Docs: five tables, every file read, ids looked up across files, leaks searched, all suites;
* ``docs``: the same with the Data Docs, as the command runs.

The clock goes from reading to the last result; starting Python and importing the library, the same for all four, stay outside.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from clock import Clock

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from triplette.profile import load_profile  # noqa: E402

SYLLABLES = "ra ve ti lo mu sé cha pri gou ner fla dou qui ben zor tel mi rou sta plé".split()
ASKING = ("Quand", "Comment", "Pourquoi", "Qui", "Où", "Combien de fois")
PROFILE = load_profile("chess-fr")
KINDS = PROFILE.kind_names
NAMES = ("plain", "lean", "suite", "docs")
PERSONAS = PROFILE.persona_names


def make_run(folder: Path, triplets: int) -> None:
    """A judged run: one chunk for every five triplets, four negatives each."""
    from triplette.criteria import NAMES
    from triplette.profile import keep_profile
    from triplette.records import Chunk, Negative, Question, Score, Triplet, Verdict
    from triplette.rundir import RunDir
    from triplette.tables import write_records

    rng = random.Random(0)
    words = ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))) for _ in range(8000)]

    def text(count: int) -> str:
        return " ".join(f"{rng.choice(('le', 'la', 'de', 'par', 'et', 'dans'))} {rng.choice(words)}" for _ in range(count))

    run = RunDir(folder)
    keep_profile(run, PROFILE)
    chunks = [
        Chunk.make(language="fr",
            text=f"Article {n}. {text(60)}.", title=f"Titre {n}", source=f"document{n % 40}.md", articles=(str(n),), page_start=n + 1,
            page_end=n + 1, char_start=0, char_end=900, tokens=180, tokenizer="estimate",
        )
        for n in range(triplets // 5)
    ]  # fmt: skip
    questions, rows, judged, checked, compared = [], [], [], [], []
    for n in range(triplets):
        chunk = chunks[n % len(chunks)]
        question = Question.make(
            chunk_id=chunk.id, text=f"{rng.choice(ASKING)} {text(6)} ?", kind=KINDS[n % 6], persona=PERSONAS[n % 3], difficulty="medium",
            provider="rules", model="french", prompt="1", cost=0.0,
        )  # fmt: skip
        negatives = tuple(
            Negative(
                chunk_id=chunks[(n + step) % len(chunks)].id, ranker="both", bm25_rank=step + 1, bm25_score=9.0 - step, dense_rank=step + 2,
                dense_score=0.5 - step / 10, fused_score=0.03, margin=0.2 + step / 10, same_source=False, why="within the margin",
            )
            for step in (1, 2, 3, 4)
        )  # fmt: skip
        triplet = Triplet.make(
            question_id=question.id, question=question.text, positive_id=chunk.id, positive_bm25=12.0, positive_bm25_rank=1,
            positive_dense=0.7, positive_dense_rank=1, encoder="lsa", negatives=negatives,
        )  # fmt: skip
        common = {"judge": "rules", "reason": "", "evidence": ""}
        scores = tuple(Score(name, rng.uniform(0.6, 1), "") for name in NAMES)
        judged.append(
            Verdict.make(
                subject_id=triplet.id, subject_kind="triplet", judge_name="rules-1", scores=scores, score=min(s.value for s in scores),
                decision="keep", **common,
            )
        )  # fmt: skip
        compared.append(
            Verdict.make(subject_id=triplet.id, subject_kind="triplet", judge_name="dedup-1", score=1.0, decision="keep", **common)
        )
        checked += [
            Verdict.make(
                subject_id=f"{triplet.id}/{item.chunk_id}", subject_kind="negative", judge_name="rules-1", score=0.1, decision="keep",
                chunk_id=item.chunk_id, **common,
            )
            for item in negatives
        ]  # fmt: skip
        questions.append(question)
        rows.append(triplet)
    for name, items, kind in (
        ("chunks", chunks, Chunk), ("questions", questions, Question), ("triplets", rows, Triplet), ("verdicts/judge", judged, Verdict),
        ("verdicts/negatives", checked, Verdict), ("verdicts/dedup", compared, Verdict),
    ):  # fmt: skip
        write_records(run.path(f"{name}.parquet"), items, kind)


def plain(folder: Path, *, lean: bool = False) -> None:
    """Six column expectations on triplets.parquet, read by the library itself (``lean``: only their columns, by pyarrow)."""
    import great_expectations as gx
    import pyarrow.parquet as pq

    e = gx.expectations
    with Clock() as clock:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        if lean:
            options = {
                "dataframe": pq.read_table(
                    folder / "triplets.parquet", columns=["id", "question", "positive_dense", "encoder"]
                ).to_pandas()
            }
            batch = context.data_sources.add_pandas("run").add_dataframe_asset("triplets").add_batch_definition_whole_dataframe("whole")
        else:
            options = None
            asset = context.data_sources.add_pandas_filesystem("run", base_directory=folder.resolve()).add_parquet_asset("triplets")
            batch = asset.add_batch_definition_path("whole", path="triplets.parquet")
        suite = context.suites.add(
            gx.ExpectationSuite(
                name="plain",
                expectations=[
                    e.ExpectColumnValuesToNotBeNull(column="id"),
                    e.ExpectColumnValuesToBeUnique(column="id"),
                    e.ExpectColumnValueLengthsToBeBetween(column="question", min_value=10, max_value=400),
                    e.ExpectColumnValuesToMatchRegex(column="question", regex=r"\?\s*$"),
                    e.ExpectColumnValuesToBeBetween(column="positive_dense", min_value=-1, max_value=1),
                    e.ExpectColumnValuesToBeInSet(column="encoder", value_set=["lsa"]),
                ],
            )
        )
        definition = context.validation_definitions.add(gx.ValidationDefinition(name="plain", data=batch, suite=suite))
        checkpoint = context.checkpoints.add(gx.Checkpoint(name="plain", validation_definitions=[definition], result_format="COMPLETE"))
        passed = checkpoint.run(batch_parameters=options).success
    if not passed:
        raise SystemExit("the plain expectations failed: the benchmark's data is wrong")
    clock.tell(expectations=6)


def whole(folder: Path, *, docs: bool) -> None:
    """The whole suite."""
    import great_expectations  # noqa: F401  (before the clock starts, as in plain)

    from triplette.curate.suites import load_suites
    from triplette.curate.validation.validate import check
    from triplette.rundir import RunDir
    from triplette.settings.validate import ValidateSettings

    settings = ValidateSettings(review_quota=0.0)
    with Clock() as clock:
        result = check(RunDir(folder), settings, load_suites(settings), docs=folder / "docs" if docs else None)
    if not result.passed:
        raise SystemExit(f"validation failed: {[i['name'] for i in result.expectations if not i['success']]}")
    clock.tell(expectations=len(result.expectations))


def main() -> None:
    """Make the run, or time one of the four."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--triplets", type=int, default=100_000, help="size of the run")
    parser.add_argument("--folder", type=Path, required=True, help="the run; one that is there is used again")
    parser.add_argument("--make", action="store_true")
    parser.add_argument("--only", choices=NAMES)
    arguments = parser.parse_args()
    folder = arguments.folder
    if arguments.make and not (folder / "dataset").exists():
        from triplette.curate.dataset.build import build
        from triplette.rundir import RunDir
        from triplette.settings.build import BuildSettings

        make_run(folder, arguments.triplets)
        result = build(RunDir(folder), BuildSettings())
        print(f"build: {result.seconds:.1f} s, rows {result.rows}")
    if arguments.only in ("plain", "lean"):
        plain(folder, lean=arguments.only == "lean")
    elif arguments.only:
        whole(folder, docs=arguments.only == "docs")


if __name__ == "__main__":
    main()
