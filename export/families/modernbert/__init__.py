"""ModernBERT and mmBERT: architecture and graph."""
