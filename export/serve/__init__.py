"""``train ask --serve``: a page on the loopback address on which one asks and compares."""
