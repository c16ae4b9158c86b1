"""Prompts as files: one Markdown file a version, never edited once it has been used (its answers are cached under its text)."""
