"""Triplette: from documents to a proven embedding model. What the stages share; imports no stage."""

__version__ = "0.1.0"
