"""Who made this bundle: a signature of its manifest, and the manifest names every file by its sha256.

The signature is OpenSSH's own (``ssh-keygen -Y``, since 8.0): the keys that people already have, in agents and on hardware tokens too, the list of
signers that git uses, and a program that is on nearly every machine. The trade-off: minisign's keys are shorter and made for this alone, but
it is one more program to install on both sides, and a key that nobody has yet. No cryptography of ours.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from triplette.errors import InputError, TripletteError
from triplette.export.proof.checks import Check

MANIFEST = "manifest.json"
SIGNATURE = f"{MANIFEST}.sig"
NAMESPACE = "triplette-bundle"  # a signature of the same key for something else does not hold here
SIGNATURE_LIMIT = 1 << 16  # bytes; the longest kind of key makes under four thousand
PROGRAM = "ssh-keygen"
PATIENCE = 120.0  # seconds: a hardware key waits to be touched


def sign(folder: Path, key: Path) -> None:
    """Write the signature of the bundle's manifest with a private key of OpenSSH (or the public half of one that an agent holds).

    Raises InputError for a key that cannot sign, TripletteError where OpenSSH is missing.
    """
    require_key(key)
    target = folder / SIGNATURE
    target.unlink(missing_ok=True)  # ssh-keygen would ask whether to replace it
    done = _ssh_keygen("-Y", "sign", "-f", str(key.absolute()), "-n", NAMESPACE, str((folder / MANIFEST).absolute()))
    if done.returncode or not target.is_file():
        raise InputError(
            f"signing with this key failed: {_said(done)}", where=str(key), cure="give a private key made with `ssh-keygen -t ed25519`"
        )


def require_key(key: Path) -> None:
    """Raise, before any work, where OpenSSH is missing (TripletteError) or the key is no file (InputError)."""
    _require_program()
    if not key.is_file():
        raise InputError("no such key", where=str(key), cure="give --sign a private key made with `ssh-keygen -t ed25519`")


def check_signature(folder: Path, signers: Path | None) -> Check | None:
    """Whether the manifest is signed by one of ``signers``: a public key, or a list as git's ``allowedSignersFile``.

    Without ``signers`` a signature that holds is named with its key, whose owner nobody vouched for, and None stands for no signature. Raises
    TripletteError where OpenSSH is missing, InputError for a list of signers that is none.
    """
    path = folder / SIGNATURE
    if not path.is_file():
        return Check("signature", False, "the bundle is not signed") if signers else None
    _require_program()
    if path.is_symlink() or path.stat().st_size > SIGNATURE_LIMIT:
        return Check("signature", False, f"{SIGNATURE} is not a signature")
    manifest = (folder / MANIFEST).read_bytes()
    given = ("-n", NAMESPACE, "-s", str(path.absolute()))
    if signers is None:
        done = _ssh_keygen("-Y", "check-novalidate", *given, manifest=manifest)
        shown = f"{_said(done)}; whose key that is, --signers FILE says"
        return Check("signature", not done.returncode, shown if not done.returncode else f"it does not hold: {_said(done)}")
    with tempfile.TemporaryDirectory() as scratch:
        allowed = Path(scratch) / "signers"
        allowed.write_text(_allowed(signers), encoding="utf-8")
        found = _ssh_keygen("-Y", "find-principals", "-s", str(path.absolute()), "-f", str(allowed))
        if found.returncode:
            return Check("signature", False, f"signed by nobody in {signers}")
        who = found.stdout.splitlines()[0].split(",")[0]
        done = _ssh_keygen("-Y", "verify", "-f", str(allowed), "-I", who, *given, manifest=manifest)
    return Check("signature", not done.returncode, _said(done) if not done.returncode else f"it does not hold: {_said(done)}")


def _allowed(signers: Path) -> str:
    """The list of signers; a public key alone (``ssh-ed25519 AAAA... name``) becomes a list of one."""
    try:
        text = signers.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"no list of signers ({error})", where=str(signers), cure="give the signer's public key, such as id_ed25519.pub"
        ) from None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise InputError("no signer in it", where=str(signers), cure="give the signer's public key, such as id_ed25519.pub")
    kinds = ("ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-")
    return "\n".join(f"signer {line}" if line.startswith(kinds) else line for line in lines) + "\n"


def _require_program() -> None:
    if shutil.which(PROGRAM) is None:
        raise TripletteError(f"signatures need {PROGRAM}", cure="install OpenSSH 8.0 or newer")


def _ssh_keygen(*arguments: str, manifest: bytes | None = None) -> subprocess.CompletedProcess[str]:
    """Run it; ``manifest`` is its stdin, which stays the terminal's otherwise, so that it can ask for a passphrase."""
    try:
        done = subprocess.run([PROGRAM, *arguments], input=manifest, capture_output=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise TripletteError(
            f"{PROGRAM} did not end in {PATIENCE:g} s", cure="touch the hardware key, or unlock it, and try again"
        ) from None
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    )


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(f"{done.stdout} {done.stderr}".split())[:200] or f"{PROGRAM} ended with {done.returncode}"
