"""Questions to triplets: both rankers' candidates, a margin tuned to the encoder, and the choice of hard negatives."""
