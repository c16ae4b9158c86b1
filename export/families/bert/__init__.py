"""BERT and XLM-R: architecture and graph."""
