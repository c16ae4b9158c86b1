"""``python -m triplette.synth``: the command ``synth`` where its console script is not on the path."""

from triplette.synth.cli import main

if __name__ == "__main__":
    main()
