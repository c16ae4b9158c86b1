"""EmbeddingGemma 2, text: architecture and graph."""
