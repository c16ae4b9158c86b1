"""Does the ``.litertlm`` file hold what was proven? Its sections are read back, its weights, tokens and vectors compared with the proven file's."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from triplette.arrays import Vector
from triplette.errors import InputError
from triplette.export.convert.engine import EMBEDDER, ENCODER, METADATA, TOKENIZER
from triplette.export.litert import LiteRtModel, Spec
from triplette.export.proof import audit
from triplette.export.proof.checks import Check
from triplette.export.quiet import quiet_libraries

FLOOR = 0.9999  # cosine with the proven file: the same weights and kernels, called otherwise
NAMES = {"HF_Tokenizer_Zlib": TOKENIZER, "EmbeddingMetadataProto": METADATA}


def read_litertlm(path: Path) -> dict[str, bytes]:
    """The sections of a file: ``metadata``, ``tokenizer`` (its JSON), and the graphs by model type. Raises InputError where it is none."""
    from litert_lm_builder import litertlm_peek
    from litert_lm_builder.litertlm_core import any_section_data_type_to_string

    try:
        sections = litertlm_peek.read_litertlm_header(str(path), io.StringIO()).SectionMetadata()
        content, found = path.read_bytes(), {}
        for index in range(sections.ObjectsLength()):
            section = sections.Objects(index)
            raw = content[section.BeginOffset() : section.EndOffset()]
            kind = any_section_data_type_to_string(section.DataType())
            if kind == "HF_Tokenizer_Zlib":
                raw = zlib.decompress(raw[8:])  # its length stands in front
            found[NAMES.get(kind) or litertlm_peek.get_model_type(section) or kind] = raw
        return found
    except (OSError, ValueError, AttributeError, zlib.error) as error:
        raise InputError(f"not a .litertlm file ({error})", where=str(path), cure="export the bundle again") from error


def check_litertlm(
    path: Path, written: Mapping[str, bytes], model: LiteRtModel, proven: Path, texts: Mapping[str, list[int]], folder: Path
) -> Check:
    """That the file holds what the proof was about: sections as written, the proven file's weights, its tokens and vectors.

    ``texts`` are formatted texts with the ids that the bundle gives them; those that fill the longest signature are left out.
    """
    problems: list[str] = []
    found = read_litertlm(path)
    problems += [f"section {name} is not what was written" for name in written if found.get(name) != written[name]]
    if not problems:
        problems += _other_weights(found[ENCODER], proven, folder)
    longest = model.spec.lengths[-1]
    fitting = {text: ids for text, ids in texts.items() if len(ids) < longest}
    cosines = [-1.0]
    if not problems:
        problems += _other_tokens(found[TOKENIZER], model.spec, fitting)
        largest = model.spec.dimensions[0]
        cosines = [
            float(run_sections(found, list(ids), signature.length) @ model.run(ids, signature)[largest])
            for signature in model.spec.signatures
            for ids in _ends([ids for ids in fitting.values() if len(ids) <= signature.length])
        ] or cosines
        if min(cosines) < FLOOR:
            problems.append(f"a vector has a cosine of {min(cosines):.6f} with the proven file's")
    detail = (
        f"{path.name}: {len(written)} sections read back, every weight is the proven file's, tokens equal on {len(fitting)} texts, cosine at "
        f"least {min(cosines):.7f}"
    )
    figures = {"bytes": path.stat().st_size, "texts": len(fitting), "vectors": len(cosines), "min": min(cosines), "floor": FLOOR}
    return Check("litertlm", not problems, "; ".join(problems) or detail, figures)


def _ends(every: Sequence[Sequence[int]]) -> list[Sequence[int]]:
    """The shortest and the longest."""
    ordered = sorted(every, key=len)
    return [ordered[0], ordered[-1]] if len(ordered) > 1 else ordered


def _other_weights(content: bytes, proven: Path, folder: Path) -> list[str]:
    """What of the encoder's weights is not, byte for byte, in the proven file."""
    (folder / "read-back.tflite").write_bytes(content)
    mine, theirs = audit.read_model(folder / "read-back.tflite"), audit.read_model(proven)

    def stored(model: Any) -> dict[tuple[int, str], tuple[str, bytes]]:
        first = min(definition.subgraphIndex for definition in model.signatureDefs)
        weights = [weight for weight in audit.weights(model) if weight.subgraph == first]
        return {(place, weight.scope): (weight.kind, bytes(model.buffers[weight.buffer].data)) for place, weight in enumerate(weights)}

    a, b = stored(mine), stored(theirs)
    if a.keys() != b.keys():
        return [f"{len(a)} weights, the proven file has {len(b)}"]
    wrong = [f"{scope} ({place})" for (place, scope), value in a.items() if value != b[place, scope]]
    return [f"{len(wrong)} weights are not the proven file's, such as {wrong[0]}"] if wrong else []


def _other_tokens(content: bytes, spec: Spec, texts: Mapping[str, list[int]]) -> list[str]:
    """The texts that the engine would cut otherwise: its tokenizer's ids between the ids around a text."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(content.decode("utf-8"))
    around = spec.tokenizer
    wrong = [
        text
        for text, ids in texts.items()
        if [*around.before, *tokenizer.encode(text, add_special_tokens=False).ids, *around.after] != list(ids)
    ]
    return [f"{len(wrong)} texts get other tokens, such as {wrong[0][:60]!r}"] if wrong else []


def run_sections(found: Mapping[str, bytes], ids: list[int], length: int) -> Vector:
    """The vector of token ids as the engine makes it: a row a token, then the encoder; float32 (d,)."""
    with quiet_libraries():
        from ai_edge_litert.interpreter import Interpreter

    row = Interpreter(model_content=found[EMBEDDER]).get_signature_runner("embedder")
    rows = np.full((1, length, 1), np.nan, np.float32)  # behind the text stands anything
    for place, identity in enumerate(ids):
        rows[0, place] = row(token=np.array([identity], np.int32))["embeddings"][0, 0]
    mask = np.zeros((1, length), np.float32)
    mask[0, : len(ids)] = 1.0
    encoder = Interpreter(model_content=found[ENCODER], num_threads=2).get_signature_runner(f"encoder_{length}")
    return np.array(encoder(embeddings=rows, input_mask=mask)["encodings"][0], np.float32)
