"""``python -m triplette.train``: the command ``train`` where its console script is not on the path."""

from triplette.train.cli import main

if __name__ == "__main__":
    main()
