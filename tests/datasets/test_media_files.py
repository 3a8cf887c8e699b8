"""Files of a dataset: listing, digests, and the row about missing files."""

import os
from pathlib import Path

from core.datasets import media_files


def test_the_listing_follows_links_once_and_leaves_out_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far/a.mp4").write_bytes(b"12")
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "sub/link").symlink_to(tmp_path / "far")
    (root / "sub/loop").symlink_to(root)
    (root / "gone.mp4").symlink_to(tmp_path / "nothing")
    (root / ".hidden.mp4").write_bytes(b"")
    (root / "b.mp4").write_bytes(b"1")
    found = media_files.listing(root)
    assert found == ["b.mp4", "sub/link/a.mp4"]


def test_the_digest_changes_with_name_size_and_time(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"1")
    for name in "ab":
        os.utime(tmp_path / name, ns=(0, 0))
    first = media_files.digest(tmp_path, ["a"])
    assert media_files.digest(tmp_path, ["a"]) == first
    assert media_files.digest(tmp_path, ["b"]) != first
    os.utime(tmp_path / "a", ns=(0, 1))
    assert media_files.digest(tmp_path, ["a"]) != first


def test_the_file_nearest_to_the_root_comes_first() -> None:
    paths = ["a/b/info.csv", "z/INFO.csv", "y/info.csv", "info.tsv"]
    assert media_files.named(paths, "info.csv") == ["y/info.csv", "z/INFO.csv", "a/b/info.csv"]
