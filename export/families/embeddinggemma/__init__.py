"""EmbeddingGemma (2025): architecture and graph."""
