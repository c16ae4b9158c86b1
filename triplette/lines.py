"""Long lines of text on stdout: whole in a file or a pipe, between words on a terminal, which by itself would cut through them."""

from __future__ import annotations

import textwrap

from triplette.console import console, visible

HANGING = 4  # columns that further rows of a line stand to the right of it, so that no text can pass for another line


def print_line(text: str) -> None:
    """One line; its indentation is kept, line breaks within it become spaces, and what would act on the terminal is shown instead."""
    screen, shown = console(), visible(text.replace("\n", " "))
    for row in wrapped(shown, screen.width) if screen.is_terminal else [shown]:
        screen.print(row, markup=False, soft_wrap=True)


def wrapped(text: str, width: int) -> list[str]:
    """``text`` in rows of at most ``width`` columns, except for a word or an id that is longer: that stays whole, to be copied."""
    indent = " " * (len(text) - len(text.lstrip(" ")))
    rows = textwrap.wrap(
        text.strip(" "),
        width,
        initial_indent=indent,
        subsequent_indent=indent + " " * HANGING,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return rows or [""]
