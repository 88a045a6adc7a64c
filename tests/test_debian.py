"""Debian packages as a source of recordings, served by a local stand-in for apt-get."""

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from data import debian


def test_the_list_of_packages_is_sound():
    sources = debian.read_sources()
    assert {source.kind for source in sources} == {"speech", "noise", "music"}
    assert {source.flag for source in sources} <= {"-", "noisy", "short", "coded", "dull"}
    assert {source.split for source in sources} == {"-", "train", "valid", "test"}
    for source in sources:
        assert (source.speaker != "-") == (source.kind == "speech"), source
        assert source.license != "-" and not source.glob.startswith("/"), source
    splits: dict[str, str] = {}
    for source in sources:
        if source.kind == "speech":
            assert splits.setdefault(source.speaker, source.split) == source.split, source
        # Coded and dull speech is no reference to be compared with.
        assert source.flag not in ("coded", "dull") or source.split == "train", source


def test_wrong_rows_of_the_list_are_named(tmp_path):
    (tmp_path / "list.tsv").write_text("package\tglob\na\tb\n")
    with pytest.raises(ValueError, match=r"list\.tsv:2: 2 columns, expected 10"):
        debian.read_sources(tmp_path / "list.tsv")


@pytest.fixture
def package_server(tmp_path, monkeypatch):
    """An `apt-get` that serves packages from a folder and counts what it served."""
    shelf, tools = tmp_path / "shelf", tmp_path / "bin"
    shelf.mkdir()
    tools.mkdir()
    (tools / "apt-get").write_text(
        "#!/bin/sh\n"
        "for package; do :; done\n"
        f'echo "$package" >> {tmp_path}/served\n'
        f'cp {shelf}/"$package"_*.deb . && exit 0\n'
        'echo "E: Unable to locate package $package" >&2\n'
        "exit 100\n"
    )
    (tools / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    return shelf


def make_package(shelf: Path, name: str, files: dict[str, bytes]) -> None:
    root = shelf.parent / "roots" / name
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n"
    )
    deb = shelf / f"{name}_1.0_all.deb"
    subprocess.run(["dpkg-deb", "-b", str(root), str(deb)], check=True, capture_output=True)


def source(package: str, glob: str, **columns: str) -> debian.Source:
    row = {
        "package": package,
        "glob": glob,
        "exclude": "-",
        "kind": "speech",
        "language": "en",
        "speaker": "anna",
        "split": "train",
        "flag": "-",
        "license": "CC0",
        "note": "-",
    }
    return debian.Source(**{**row, **columns})


def test_packages_are_fetched_once_and_missing_ones_named(tmp_path, package_server):
    make_package(package_server, "voices", {"usr/share/voices/a.ogg": b"a"})
    for _ in range(2):
        unpacked, failed = debian.fetch(["voices", "lost"], tmp_path / "packages")
        assert unpacked["voices"].name == "voices_1.0_all"
        assert (unpacked["voices"] / "usr/share/voices/a.ogg").read_bytes() == b"a"
        assert "Unable to locate package lost" in failed["lost"]
    assert (tmp_path / "served").read_text().split() == ["voices", "lost", "lost"]
    assert [path.name for path in (tmp_path / "packages").iterdir()] == ["voices_1.0_all"]


def test_globs_exclude_and_look_into_archives(tmp_path):
    root = tmp_path / "game_1.0_all"
    for name in ("a/x.ogg", "a/y.ogg", "silence/z.ogg", "cries/z2.ogg", "a/n.txt"):
        (root / "s" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "s" / name).touch()
    (root / "s/a/link.ogg").symlink_to(root / "s/a/x.ogg")
    with zipfile.ZipFile(root / "s/music.pk3", "w") as archive:
        archive.writestr("tunes/t.ogg", b"t")
    rows = [
        source("game", "s/a/x*.ogg", speaker="lead"),
        source("game", "s/**/*.ogg", exclude="*/silence/* *cries*", speaker="others"),
        source("game", "s/music.pk3!**/*.ogg", kind="music", speaker="-"),
        source("missing", "**/*.ogg"),
    ]
    found = {r.path.name: r for r in debian.recordings(rows, {"game": root})}
    assert {name: r.speaker for name, r in found.items() if r.kind == "speech"} == {
        "x.ogg": "lead",  # the first row that names a file has it
        "y.ogg": "others",
    }
    # Of music every file is its own "speaker".
    assert found["t.ogg"].speaker == found["t.ogg"].source
    assert found["x.ogg"].source == "game:s/a/x.ogg"


def test_machines_without_apt_get_are_told_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=r"apt-get is not on this machine.*--nodebian"):
        debian.fetch(["voices"], tmp_path)
