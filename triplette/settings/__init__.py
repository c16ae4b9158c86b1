"""Settings of every stage: documented dataclasses, one ``[section]`` of triplette.toml each."""
