"""What a person asks of a run: why a row is there, how far it is, what it looks like, how far the judge can be trusted."""
