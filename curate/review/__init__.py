"""Human review: what matters goes to people (Argilla, or a spreadsheet), and their decisions come back as verdicts."""
