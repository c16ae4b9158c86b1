"""Languages: one folder each for those that are written out, Snowball or plain words for every other.

``language(code)`` is the one door. To add a language, give it a folder with a ``LANGUAGE`` (docs/languages.md).
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from triplette.errors import SettingError
from triplette.languages.documents import DocumentWords, names_of_all
from triplette.languages.language import Language

__all__ = ["NAMED", "NO_RULES", "UNKNOWN", "Language", "document_words", "language", "written_out"]

UNKNOWN = ""  # the code of a text whose language nobody said
_CODE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")
# English names, and Snowball's where they differ from them in lower case ("" where it has none)
_NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "eo": "Esperanto", "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fr": "French", "ga": "Irish",
    "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "it": "Italian", "ja": "Japanese",
    "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "ne": "Nepali", "nl": "Dutch", "no": "Norwegian", "nb": "Norwegian", "nn": "Norwegian",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian", "sv": "Swedish",
    "ta": "Tamil", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "yi": "Yiddish", "zh": "Chinese",
}  # fmt: skip
_STEMMED = frozenset(
    "ar ca da de el en eo es et eu fa fi fr ga hi hu hy id it lt ne nl no nb nn pl pt ro ru sr sv ta tr yi cs".split()
)  # by Snowball
NAMED = frozenset(_NAMES)
NO_STEMS = "stems (words count as they are written)"
NO_STOP_WORDS = "stop words (frequent words count little by their frequency alone)"
NO_PATTERNS = "patterns that tell a question that points outside its passage, asks about the document or turns a statement round"
NO_DOCUMENTS = "words that plain pages are built with (headings are told by numbers and form, and by the words of other languages)"
NO_RULES = "the built-in question writer"


@lru_cache(maxsize=256)
def language(code: str) -> Language:
    """The language of an ISO 639-1 code such as ``fr`` (``pt-br`` is ``pt``); ``""`` is text of an unknown one.

    Raises SettingError for what is no code.
    """
    if code and not _CODE.fullmatch(code):
        raise SettingError(f"{code!r} is not a language", cure="give an ISO 639-1 code such as fr, en, de")
    base = code.partition("-")[0]
    if base and base in written_out():
        found: Language = import_module(f"{__name__}.{base}").LANGUAGE
        return found
    stemmer = _NAMES[base].lower() if base in _STEMMED else ""
    lacks = (*(() if stemmer else (NO_STEMS,)), NO_STOP_WORDS, NO_PATTERNS, NO_DOCUMENTS, NO_RULES)
    return Language(
        code=base, name=_NAMES.get(base, f"the language {base!r}" if base else "an unknown language"), stemmer=stemmer, lacks=lacks
    )


@lru_cache(maxsize=1)
def written_out() -> tuple[str, ...]:
    """Codes of the languages that have a folder here, in order."""
    home = Path(__file__).parent
    return tuple(sorted(folder.name for folder in home.iterdir() if (folder / "__init__.py").is_file()))


@lru_cache(maxsize=64)
def document_words(code: str) -> DocumentWords:
    """What documents of a language are built with; of one that has no such words, the names of parts in all that have."""
    own = language(code).documents
    return own or names_of_all([words for other in written_out() if (words := language(other).documents)])
