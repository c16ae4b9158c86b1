"""Which rows ask the same, and which passages say the same."""
