"""``python -m export``: the export stage where the console script ``train`` is not installed."""

from export.cli import main

if __name__ == "__main__":
    main()
