"""``python -m triplette.export``: the export stage where the console script ``train`` is not installed."""

from triplette.export.cli import main

if __name__ == "__main__":
    main()
