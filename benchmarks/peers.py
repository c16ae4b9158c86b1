"""The peers that ``bench.py`` compares with: each in an environment of its own, versions pinned, made once and kept.

Libraries that this project itself builds on (sentence-transformers, bm25s, Great Expectations, litert-torch) are run as ``constraints.txt`` pins them, in
this project's environment: another copy of the same version would compare nothing else.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# the packages of each, and those that are installed without what they need: llama-index-finetuning's own import wants five providers' clients
PEERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "semhash": (("semhash==0.5.0",), ()),
    "distilabel": (("distilabel[openai]==1.5.3", "requests==2.34.2"), ()),  # it imports requests, and names it nowhere
    "data-designer": (("data-designer==0.9.7",), ()),
    "llama-index": (("llama-index-core==0.14.25", "llama-index-llms-openai-like==0.8.1"), ("llama-index-finetuning==0.4.2",)),
    "pdf readers": (("pypdf==7.1.0", "pdf-oxide==0.3.78", "liteparse==2.18.0", "pymupdf==2.0"), ()),
}
OURS = ("sentence-transformers", "bm25s", "rank-bm25", "great-expectations", "litert-torch")


def python_of(peer: str, work: Path) -> Path:
    """The interpreter of a peer's environment, made where it is not there yet. Raises CalledProcessError where it does not install."""
    if not peer:
        return Path(sys.executable)
    folder = work / "peers" / peer.replace(" ", "-")
    python, done = folder / "bin" / "python", folder / ".installed"
    wanted = "\n".join((*PEERS[peer][0], *PEERS[peer][1]))
    if not done.exists() or done.read_text(encoding="utf-8") != wanted:
        print(f"  installing {', '.join(PEERS[peer][0] + PEERS[peer][1])} into {folder}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        for packages, more in zip(PEERS[peer], ([], ["--no-deps"]), strict=True):
            if packages:
                subprocess.run([str(python), "-m", "pip", "install", "--quiet", *more, *packages], check=True)
        done.write_text(wanted, encoding="utf-8")
    return python


def versions() -> list[str]:
    """What the table says of versions: the peers', and those of ours that are compared with."""
    from importlib.metadata import version

    pinned = [name for peer in PEERS.values() for packages in peer for name in packages if "==" in name]
    return sorted([name.replace("==", " ") for name in pinned] + [f"{name} {version(name)}" for name in OURS])
