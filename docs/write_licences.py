"""The licences of everything in constraints.txt, read from the installed packages, into docs/licences.md: ``make audit``.

No network is needed. A package is let in when its licence, or one of those it may be taken under, is in ``ALLOWED``; the others end with
exit code 1. Triplette ships none of these packages: it names them, and pip installs them.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"
PERMISSIVE = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "CNRI-Python", "ISC",
    "MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Unlicense", "Zlib",
}  # fmt: skip
OF_FILES = {"MPL-1.1", "MPL-2.0"}  # bind who changes their files, not who uses them; we change none
ALLOWED = PERMISSIVE | OF_FILES
SPOKEN = {  # what packages write instead of an SPDX name
    "3-clause bsd license": "BSD-3-Clause", "academic free license (afl)": "AFL-2.1", "apache": "Apache-2.0", "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0", "apache license": "Apache-2.0", "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0", "apache2.0": "Apache-2.0", "bsd": "BSD-3-Clause", "bsd 2-clause license": "BSD-2-Clause",
    "bsd 3-clause license": "BSD-3-Clause", "bsd license": "BSD-3-Clause", "isc license": "ISC", "isc license (iscl)": "ISC",
    "mit license": "MIT", "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0", "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0", "the bsd 2-clause license": "BSD-2-Clause",
}  # fmt: skip
READ = {  # packages whose metadata say too little, and what their licence file says
    "pypdfium2": "BSD-3-Clause AND Apache-2.0",
    "torchao": "BSD-3-Clause",
}


@dataclass(frozen=True, slots=True)
class Package:
    """A line of constraints.txt: its licence as an SPDX expression ("" where it says none), or None where it is not installed."""

    name: str
    version: str
    licence: str | None

    @property
    def allowed(self) -> bool:
        """Whether it may be used: one alternative of its licence has only parts that are allowed."""
        return bool(self.licence) and any(
            all(part.strip("() ") in ALLOWED for part in choice.split(" AND ")) for choice in str(self.licence).split(" OR ")
        )


def packages(constraints: Path = ROOT / "constraints.txt") -> list[Package]:
    """Every pinned package with its licence."""
    found = []
    for line in constraints.read_text(encoding="utf-8").splitlines():
        pinned = re.match(r"([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)", line)
        if pinned:
            found.append(Package(pinned[1], pinned[2], licence_of(pinned[1])))
    return found


def licence_of(name: str) -> str | None:
    """The SPDX expression of an installed package: its own, else its classifier or its line of text; None where it is not installed."""
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    if name in READ:
        return READ[name]
    if expression := told.get("License-Expression"):
        return str(expression)
    line = str(told.get("License") or "").strip().split("\n")[0].strip()
    if line in ALLOWED or " AND " in line or " OR " in line:
        return line
    if line.lower() in SPOKEN and line.lower() != "bsd":
        return SPOKEN[line.lower()]
    named = [item.rsplit(" :: ", 1)[1] for item in told.get_all("Classifier") or [] if item.startswith("License :: ")]
    return " OR ".join(SPOKEN.get(item.lower(), item) for item in named) or SPOKEN.get(line.lower(), "")


def page(found: list[Package]) -> str:
    """The document."""
    counts: dict[str, list[Package]] = {}
    for package in found:
        counts.setdefault(package.licence or "not stated", []).append(package)
    rows = [
        f"| {licence} | {len(held)} | {', '.join(package.name for package in held)} |"
        for licence, held in sorted(counts.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    return "\n".join(
        [
            "# Licences of what is installed",
            "",
            "Written by `make audit` (`docs/write_licences.py`) from the metadata of the packages in `constraints.txt`; a BSD licence that is",
            "not told more closely counts as BSD-3-Clause. Let in are permissive licences, and the MPL, which binds who changes its files",
            f"and not who uses them: {', '.join(sorted(ALLOWED))}. Where a package may be taken under several, one of them must be let in.",
            "",
            "| licence | packages | which |",
            "|---|---|---|",
            *rows,
            "",
            f"{len(found)} packages, {sum(package.allowed for package in found)} let in.",
            "",
            "Known vulnerabilities: `make audit` then runs pip-audit over the same list. It asks a service over the network; where none answers,",
            "or not for every package, `make audit` says so and fails (`docs/tell_audit.py`).",
            "",
        ]
    )


def main() -> None:
    """Write the page; exit code 1 for a licence that is not let in or a package that is not installed."""
    found = packages()
    wrong = [package for package in found if not package.allowed]
    if not any(package.licence is None for package in found):
        PAGE.write_text(page(found), encoding="utf-8")
    for package in wrong:
        said = "is not installed" if package.licence is None else f"has the licence {package.licence or 'that it does not state'!r}"
        sys.stderr.write(f"{package.name} {package.version} {said}\n")
    sys.stderr.write(f"{len(found)} packages, {len(found) - len(wrong)} with a licence that is let in\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
