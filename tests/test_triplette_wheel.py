"""What is installed: one package, whole, from the clone and from its source distribution alike."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from triplette import __version__

ROOT = Path(__file__).parents[1]
BUILD = "import sys, setuptools.build_meta as b; print(getattr(b, 'build_' + sys.argv[1])(sys.argv[2]))"


def build(what: str, source: Path, into: Path) -> Path:
    """The wheel or sdist of a source tree, by the project's own build backend."""
    into.mkdir(exist_ok=True)
    done = subprocess.run([sys.executable, "-c", BUILD, what, str(into)], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return into / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files as they are, so that building leaves nothing in the working tree."""
    folder = tmp_path_factory.mktemp("clone")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        source, target = ROOT / name, folder / name
        if not source.is_symlink() and not source.exists():
            continue  # deleted, not committed yet
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
        else:
            target.write_bytes(source.read_bytes())
    return folder


@pytest.fixture(scope="module")
def wheel(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the clone."""
    return build("wheel", clone, tmp_path_factory.mktemp("wheel"))


def files_of(wheel: Path) -> set[str]:
    """The names in a wheel, but for its own metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


@pytest.mark.slow
def test_the_wheel_claims_one_name_and_holds_every_file_of_the_packages(wheel: Path) -> None:
    names = files_of(wheel)
    assert {name.split("/")[0] for name in names} == {"triplette"}
    tracked = subprocess.run(["git", "ls-files", "triplette", "synth", "curate", "train", "export", "expectations", "profiles"],
                             cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")  # fmt: skip
    wanted = {
        name if name.startswith("triplette/") else f"triplette/{name}" for name in tracked if name and not (ROOT / name).is_symlink()
    }
    assert wanted - names == set()


@pytest.mark.slow
def test_a_source_distribution_gives_the_same_wheel(clone: Path, wheel: Path, tmp_path: Path) -> None:
    sdist = build("sdist", clone, tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("triplette-*")
    assert files_of(build("wheel", unpacked, tmp_path / "again")) == files_of(wheel)


@pytest.mark.slow
def test_an_installed_wheel_brings_its_commands_which_work_outside_the_clone(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "installed"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", "--no-compile"]
    done = subprocess.run([*install, "--prefix", str(place), str(wheel)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (package,) = place.glob("lib/python*/site-packages/triplette")
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}

    def run(name: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([place / "bin" / name, *words], cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert [run(name, "--version").stdout for name in ("synth", "curate", "train")] == [f"triplette {__version__}\n"] * 3
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "regles.md").write_text(
        "# Le bassin\n\nLe bonnet est obligatoire dans le grand bassin. Un nageur sans bonnet doit quitter l'eau.\n", encoding="utf-8"
    )
    done = run("synth", "generate", "--corpus", "docs", "--json")
    assert (done.returncode, (tmp_path / "run" / "questions.parquet").exists()) == (0, True), done.stderr
    where = "import sys, triplette.synth.generate as g; sys.exit(0 if g.__file__.startswith(sys.argv[1]) else g.__file__)"
    done = subprocess.run([sys.executable, "-c", where, str(place)], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"the clone's package was run, not the installed one: {done.stderr}"
