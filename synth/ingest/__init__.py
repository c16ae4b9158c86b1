"""Documents of five formats to blocks of text that know their page, headings and article numbers.

Every format becomes one of two canonical forms: Markdown (Markdown, HTML, DOCX) or lines on pages (text, PDF).
"""

from triplette.synth.ingest.document import Block, Document, Structured
from triplette.synth.ingest.headings import heading_number
from triplette.synth.ingest.readers import SUFFIXES, find_documents, read_document, source_name
from triplette.synth.ingest.structure import structure

__all__ = [
    "SUFFIXES",
    "Block",
    "Document",
    "Structured",
    "find_documents",
    "heading_number",
    "read_document",
    "source_name",
    "structure",
]
