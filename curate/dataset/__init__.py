"""Decided rows to train, val and test with no leak, their data card and exports."""
