"""semhash on the questions and vectors of ``duplicates.py``, with its own threshold. It runs in an environment of its own, without Triplette.

Its default encoder is downloaded and knows English; here it gets the vectors that the other side has, so that what differs is the method. Rows
fall out of its result one by one; the pair counts when one of its rows does.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from clock import Clock


class NoModel:
    """The vectors are given: nothing is encoded."""

    def encode(self, inputs: Any, **_: Any) -> Any:
        """Never called."""
        raise RuntimeError(f"semhash wants {len(inputs)} more vectors")


def main() -> None:
    """Deduplicate, and say of each way of changing a question how many pairs lost a row."""
    from semhash import SemHash

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--threshold", type=float, default=0.9, help="its own default")
    options = parser.parse_args()
    data = json.loads((options.folder / "questions.json").read_text(encoding="utf-8"))
    texts, vectors = data["texts"], np.load(options.folder / "vectors.npy")
    with Clock() as clock:
        result = SemHash.from_embeddings(vectors, texts, NoModel()).self_deduplicate(threshold=options.threshold)
    fell = {record.record for record in result.filtered}
    of, lost = Counter(data["ways"]), Counter(way for n, way in enumerate(data["ways"]) if fell & {texts[2 * n], texts[2 * n + 1]})
    clock.tell(len(texts), fell_out=len(result.filtered), **{way: round(lost[way] / of[way], 3) for way in of})


if __name__ == "__main__":
    main()
