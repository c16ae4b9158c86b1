"""Settings of human review: where it happens, which rows people see, and in what order."""

from __future__ import annotations

from dataclasses import dataclass

from triplette.settings.base import setting


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """[curate.review]"""

    api_url: str = setting(
        "",
        "An Argilla of your own, such as https://me-argilla.hf.space; its key comes from ARGILLA_API_KEY. "
        "Empty: the one that `curate review serve` runs.",
    )
    workspace: str = setting("review", "Argilla workspace; created if it is not there and the key's role allows it.")
    dataset: str = setting(
        "triplets", "Argilla dataset. Rows that several people see are in a second one, with -overlap after its name."
    )
    port: int = setting(6900, "Port of the embedded server, on the loopback interface only; 0 takes a free one.", low=0, high=65535)
    quota_surplus: float = setting(
        0.1, "Rows beyond the gate's quota, as a share of it: people discard some rows and are unsure about others.", low=0.0, high=1.0
    )
    active_share: float = setting(
        0.05,
        "Further rows as a share of all, beyond the quota: those that judges, rankers or the margin are least sure of. "
        "An answer there teaches more than one at random.",
        low=0.0,
        high=1.0,
    )
    overlap_share: float = setting(
        0.1,
        "Share of the queue that several people review, so that their agreement can be measured. 0.1 of 300 rows gives "
        "30 pairs: kappa to about plus or minus 0.2.",
        low=0.0,
        high=1.0,
    )
    overlap_reviewers: int = setting(2, "How many people review a row of the overlap.", low=2, high=10)
    borderline: float = setting(
        0.1,
        "A judge's score or a scaled margin this near to its floor counts as borderline.",
        low=0.0,
        high=1.0,
    )
    shown_negatives: int = setting(
        5, "Negatives that a reviewer sees at most, hardest first; the others stay as the judge left them.", low=1, high=20
    )
    chunk_rows: int = setting(100, "Rows sent in one request; what a killed push loses at most.", low=1, high=500)
    seed: int = setting(0, "Draws the quota's sample; another seed, other rows.", low=0)
