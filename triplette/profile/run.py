"""The profile of a run: named by the settings or by the corpus, kept in the run directory, read from there by every later stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from triplette.errors import SettingError
from triplette.profile.read import load_profile, neutral_profile, read_profile
from triplette.profile.shape import Profile
from triplette.profile.write import as_toml
from triplette.records import Chunk
from triplette.rundir import RunDir
from triplette.settings.base import FILE_NAME
from triplette.settings.load import read_file
from triplette.tables import write_text

FILE = "profile.toml"
DEFAULT_LANGUAGE = "fr"  # of a run from before runs kept their profile, and of passages without a word


def keep_profile(run: RunDir, profile: Profile) -> bool:
    """Make ``profile`` the run's. Whether it was another before; a file that says the same is left as it is."""
    text = as_toml(profile)
    path = run.path(FILE)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    write_text(path, text)
    return True


def run_profile(run: RunDir) -> Profile:
    """The run's profile; the neutral French one of a run that keeps none."""
    path = run.path(FILE)
    return read_profile(path) if path.exists() else neutral_profile(DEFAULT_LANGUAGE)


def settings_profile(config: Path | None) -> Profile | None:
    """The profile that a settings file (or ./triplette.toml) names, a path being relative to that file; None where it names none."""
    file = config or Path(FILE_NAME)
    name = read_file(config).get("profile")
    if name is None:
        return None
    if not isinstance(name, str):
        raise SettingError(f"{name!r} is not a profile's name", where=f"{file}: profile", cure='such as profile = "fr"')
    return load_profile(name, file.parent)


def corpus_profile(corpus: Path) -> Profile | None:
    """The profile that the settings file in a corpus's own folder names, or None."""
    file = corpus / FILE_NAME
    return settings_profile(file) if file.is_file() else None


def neutral_for(chunks: Sequence[Chunk]) -> Profile:
    """The profile without a domain in the language that most characters of ``chunks`` are in."""
    counts: Counter[str] = Counter()
    for chunk in chunks:
        counts[chunk.language] += len(chunk.text)
    return neutral_in(dict(counts.most_common(1)))


def neutral_in(languages: Mapping[str, float]) -> Profile:
    """The profile without a domain in the language with the largest share; in French where there is none."""
    return neutral_profile(max(languages, key=languages.__getitem__, default="") or DEFAULT_LANGUAGE)
