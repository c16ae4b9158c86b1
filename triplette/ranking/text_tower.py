"""Models of several towers, loaded for text alone.

EmbeddingGemma 2 is published with towers for images and sound beside the one for text. Texts never pass through them: they cost memory, an
adapter's targets would hit their layers too, and their processors want libraries that reading texts does not. So such a folder is
seen through another one, with the same files, where the configuration is the text tower's.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from triplette.model_folder import hub_file

# model_type of the whole -> where the text tower's weights are in its files
TOWERS = {"embedding_gemma2": r"^(model\.)?language_model\."}
# what would load the other towers' processors
LEFT_OUT = ("processor_config.json", "preprocessor_config.json", "video_preprocessor_config.json")
SENTENCES = "sentence_bert_config.json"


@contextmanager
def text_only(origin: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The folder or id to load instead of ``origin``, and options for the transformer's loader; both are no change for a model of one tower.

    The folder is gone after the block: load inside it. Raises ServiceError for an id that cannot be reached.
    """
    folder = Path(origin).expanduser()
    path = folder / "config.json" if folder.is_dir() else hub_file(origin, "config.json", needed=False)
    config = json.loads(path.read_text(encoding="utf-8")) if path is not None and path.is_file() else {}
    prefix = TOWERS.get(str(config.get("model_type")))
    if prefix is None:
        yield (str(folder) if folder.is_dir() else origin), {}
        return
    if not folder.is_dir():
        from huggingface_hub import snapshot_download

        folder = Path(snapshot_download(origin))
    with tempfile.TemporaryDirectory() as scratch:
        view = Path(scratch) / folder.name
        _link(folder.resolve(), view, config)
        yield str(view), {"key_mapping": {prefix: ""}}


def _link(folder: Path, view: Path, config: dict[str, Any]) -> None:
    """Fill ``view``: links to the folder's files, and its small files of configuration in the text tower's form."""
    view.mkdir()
    for path in folder.iterdir():
        if path.name not in (*LEFT_OUT, "config.json", SENTENCES, "tokenizer_config.json"):
            (view / path.name).symlink_to(path)
    text = {**config["text_config"], "dtype": config["text_config"].get("dtype") or config.get("dtype")}
    (view / "config.json").write_text(json.dumps(text), encoding="utf-8")
    for name, dropped in ((SENTENCES, ("modality_config", "module_output_name")), ("tokenizer_config.json", ("processor_class",))):
        if (folder / name).is_file():
            content = json.loads((folder / name).read_text(encoding="utf-8"))
            kept = {key: value for key, value in content.items() if key not in dropped}
            (view / name).write_text(json.dumps(kept), encoding="utf-8")
