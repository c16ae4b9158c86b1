"""Architectures that can be exported: each read, asserted, and written as its own graph."""
