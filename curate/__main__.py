"""``python -m triplette.curate``: the command ``curate`` where its console script is not on the path."""

from triplette.curate.cli import main

if __name__ == "__main__":
    main()
