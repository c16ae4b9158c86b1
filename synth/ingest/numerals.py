"""Numbers as letters and Roman numerals, as lists show them."""

from __future__ import annotations

_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"),
          (4, "iv"), (1, "i"))  # fmt: skip
ROMAN_MAX = 3_999
LETTERS_MAX = 26 * 30  # beyond, digits say it better


def roman(number: int) -> str:
    """Lower-case Roman numeral; digits for what has none."""
    if not 0 < number <= ROMAN_MAX:
        return str(number)
    text = ""
    for value, sign in _ROMAN:
        times, number = divmod(number, value)
        text += sign * times
    return text


def letters(number: int, *, doubled: bool = False) -> str:
    """a, b... z, then aa, ab (as HTML) or with ``doubled`` aa, bb (as Word); digits for what has none."""
    if not 0 < number <= LETTERS_MAX:
        return str(number)
    if doubled:
        times, rest = divmod(number - 1, 26)
        return chr(97 + rest) * (times + 1)
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(97 + rest) + text
    return text
