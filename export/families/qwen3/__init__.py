"""Qwen3-Embedding: architecture and graph."""
