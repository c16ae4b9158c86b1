"""Questions by rules: free, repeatable, French, and silent where it cannot phrase one well."""

from triplette.languages.fr.rules.writer import PROMPT, write_questions

__all__ = ["PROMPT", "write_questions"]
