"""``synth generate``: what it says was made, and what fell out."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from triplette.records import Triplet
from triplette.rundir import RunDir
from triplette.synth.cli import app
from triplette.tables import read_records

PAGE = """# Piscine

## Horaires

Le port du bonnet est obligatoire. Le maître-nageur exclut pendant trente minutes un baigneur qui court au bord du bassin.
Un enfant de moins de huit ans doit être accompagné d'un adulte.
"""


def test_a_question_kept_as_a_pair_is_not_listed_among_what_fell_out(tmp_path: Path) -> None:
    (tmp_path / "piscine.md").write_text(PAGE, encoding="utf-8")
    run = RunDir(tmp_path / "run")

    def said(*options: str) -> str:
        result = CliRunner().invoke(
            app, ["generate", "--corpus", str(tmp_path / "piscine.md"), "--run", str(run.root), *options], standalone_mode=False
        )
        assert result.exception is None, result.exception
        return result.output

    told = " ".join(said().split())
    pairs = [triplet for triplet in read_records(run.path("triplets.parquet"), Triplet) if not triplet.negatives]
    assert pairs, "one passage leaves nothing to mine"
    assert {row.reason for row in run.read_rejects() if row.step == "synth.mine"} == {"no_good_negative"}
    assert "no_good_negative" not in told
    assert f"{len(pairs)} questions have no hard negative" in told
    again = json.loads(said("--json"))
    assert [row for row in again["rejected"] if row["step"] == "synth.mine"] == []
    assert again["mine"]["rejected"] == {"no_good_negative": len(pairs)}
