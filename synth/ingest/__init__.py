"""Documents to blocks of text that know their page, headings and article numbers.

Formats that say their structure (Markdown, HTML, DOCX...) become elements; plain ones (text, PDF) lines on pages, from which it is inferred.
"""

from triplette.synth.ingest.document import Block, Document, Structured
from triplette.synth.ingest.folder import find_documents
from triplette.synth.ingest.headings import headings_of
from triplette.synth.ingest.readers import SUFFIXES, read_document, source_name
from triplette.synth.ingest.structure import structure

__all__ = [
    "SUFFIXES",
    "Block",
    "Document",
    "Structured",
    "find_documents",
    "headings_of",
    "read_document",
    "source_name",
    "structure",
]
