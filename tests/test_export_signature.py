"""Who signed a bundle: with OpenSSH's own keys, checked before anything else is read."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from triplette.errors import InputError, TripletteError
from triplette.export.proof.signature import NAMESPACE, SIGNATURE, check_signature, sign
from triplette.export.proof.verify import verify_bundle

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH is not installed")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with the keys of two people."""
    for name in ("ada", "bob"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(tmp_path / name)], check=True)
    return tmp_path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "a b'c#d"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"files": {}, "contract": "", "proof": {"passed": true}}')
    return folder


def test_a_signature_holds_for_its_signer_and_for_nobody_else(keys: Path, bundle: Path) -> None:
    sign(bundle, keys / "ada")
    sign(bundle, keys / "ada")  # again, over the one that is there
    by_ada, by_bob = (check_signature(bundle, keys / f"{name}.pub") for name in ("ada", "bob"))
    assert by_ada is not None
    assert by_bob is not None
    assert (by_ada.passed, by_bob.passed) == (True, False)
    assert "signed by nobody in" in by_bob.detail
    unknown = check_signature(bundle, None)
    assert unknown is not None
    assert unknown.passed
    assert "SHA256:" in unknown.detail
    assert "--signers" in unknown.detail


def test_a_list_of_allowed_signers_names_who_it_was(keys: Path, bundle: Path) -> None:
    sign(bundle, keys / "bob")
    lines = [f"{name}@example.org {(keys / f'{name}.pub').read_text()}" for name in ("ada", "bob")]
    (keys / "signers").write_text("# whom we trust\n" + "".join(lines))
    found = check_signature(bundle, keys / "signers")
    assert found is not None
    assert found.passed
    assert "bob@example.org" in found.detail


def test_a_manifest_changed_after_signing_is_refused_and_nothing_else_is_looked_at(keys: Path, bundle: Path) -> None:
    sign(bundle, keys / "ada")
    manifest = bundle / "manifest.json"
    manifest.write_text(manifest.read_text().replace("true", "false"))
    for signers in (keys / "ada.pub", None):
        proof = verify_bundle(bundle, signers=signers)
        assert proof.failed[0] == "signature"
        assert [check.name for check in proof.checks] == ["signature", "files"]


def test_a_signature_for_another_purpose_does_not_hold(keys: Path, bundle: Path) -> None:
    manifest = bundle / "manifest.json"
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", str(keys / "ada"), "-n", "file", str(manifest)], check=True)
    found = check_signature(bundle, keys / "ada.pub")
    assert found is not None
    assert not found.passed
    assert NAMESPACE != "file"


def test_a_bundle_without_a_signature_is_refused_only_where_one_is_asked_for(keys: Path, bundle: Path) -> None:
    assert check_signature(bundle, None) is None
    found = check_signature(bundle, keys / "ada.pub")
    assert found is not None
    assert not found.passed
    assert "not signed" in found.detail


@pytest.mark.parametrize("content", [b"", b"no signature", b"-----BEGIN SSH SIGNATURE-----\n!!\n", bytes(1 << 17)])
def test_what_is_no_signature_is_refused(keys: Path, bundle: Path, content: bytes) -> None:
    (bundle / SIGNATURE).write_bytes(content)
    for signers in (keys / "ada.pub", None):
        found = check_signature(bundle, signers)
        assert found is not None
        assert not found.passed


def test_a_key_that_cannot_sign_and_a_list_that_is_none_say_what_to_give(keys: Path, bundle: Path) -> None:
    with pytest.raises(InputError, match="no such key"):
        sign(bundle, keys / "nobody")
    (keys / "text").write_text("no key")
    with pytest.raises(InputError, match="signing with this key failed"):
        sign(bundle, keys / "text")
    (bundle / SIGNATURE).write_text("x")
    (keys / "empty").write_text("\n# nobody\n")
    for name in ("missing", "empty"):
        with pytest.raises(InputError, match=r"no list of signers|no signer in it"):
            check_signature(bundle, keys / name)


def test_without_openssh_the_program_is_named(keys: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(keys))
    with pytest.raises(TripletteError, match="signatures need ssh-keygen"):
        sign(bundle, keys / "ada")
