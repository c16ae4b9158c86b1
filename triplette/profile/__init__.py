"""The profile of a collection of documents: who asks, what kinds of question, which words. Data in one TOML file, checked field by field."""

from triplette.profile.read import check_profile, known_as, load_profile, neutral_profile, profile_in, profile_names
from triplette.profile.run import FILE, corpus_profile, keep_profile, neutral_for, neutral_in, run_profile, settings_profile
from triplette.profile.shape import Kind, Persona, Profile, Setting
from triplette.profile.write import as_toml

__all__ = [
    "FILE",
    "Kind",
    "Persona",
    "Profile",
    "Setting",
    "as_toml",
    "check_profile",
    "corpus_profile",
    "keep_profile",
    "known_as",
    "load_profile",
    "neutral_for",
    "neutral_in",
    "neutral_profile",
    "profile_in",
    "profile_names",
    "run_profile",
    "settings_profile",
]
