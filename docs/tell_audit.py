"""What pip-audit found, in words, and what it could not ask about: ``make audit``.

By itself it says "no known vulnerabilities" too where no service answered, and with ``--strict`` it ends at the first package as if that
one were missing. Exit code 0: every package was asked about and none has a known vulnerability; 1: some have; 2: some were not asked about.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def tell(found: dict[str, Any]) -> tuple[list[str], int]:
    """The lines to print and the exit code, of pip-audit's JSON."""
    packages = found["dependencies"]
    skipped = {package["name"]: package["skip_reason"] for package in packages if "skip_reason" in package}
    lines = [
        f"{package['name']} {package['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for package in packages
        for flaw in package.get("vulns", [])
    ]
    vulnerable = bool(lines)
    asked = len(packages) - len(skipped)
    if not asked:
        lines.append(f"NOT CHECKED for known vulnerabilities: the service answered for none of {len(packages)} packages.")
        lines.append("  help: run `make audit` where PyPI's JSON interface can be reached; the licences above are checked")
        return lines, 2
    lines.append(f"{asked} of {len(packages)} packages checked, {'the above' if vulnerable else 'none'} with known vulnerabilities.")
    if skipped:
        lines += [f"NOT CHECKED: {name}: {reason}" for name, reason in skipped.items()]
        lines.append("  help: run `make audit` again, or look these packages up by hand")
    return lines, 1 if vulnerable else 2 if skipped else 0


def main(path: Path) -> int:
    """Print what the file says and return the exit code."""
    try:
        lines, code = tell(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError) as error:
        lines, code = [f"NOT CHECKED for known vulnerabilities: pip-audit left no result ({type(error).__name__}: {error})."], 2
        lines.append("  help: its own message stands above")
    print("\n".join(lines))  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
