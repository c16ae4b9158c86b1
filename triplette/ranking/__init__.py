"""Rankers and what is said of them: encoders, BM25, exact search, fusion, retrieval metrics."""
