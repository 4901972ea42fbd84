"""What is particular to the keeper in a file and the one in memory; the suite for all is tests/contract/keepers."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto.kdf import Argon2Cost
from tigertally.formats.errors import Malformed, WrongPassphrase
from tigertally.testing.keeper import MemoryKeeper
from tigertally.vault import (
    KeeperUnavailable,
    KeyFileExists,
    NoKeyFile,
    create_passphrase_keeper,
    open_passphrase_keeper,
)

CHEAP = Argon2Cost(memory_kib=19_456, passes=2, lanes=1)
WORDS = "seven quiet otters at noon"
KEY = bytes(range(32))


def test_memory_goes_away_and_comes_back() -> None:
    keeper = MemoryKeeper()
    wrapped = keeper.wrap(SecretBytes(KEY), b"")
    keeper.go_away()
    with pytest.raises(KeeperUnavailable):
        keeper.unwrap(wrapped, b"")
    keeper.come_back()
    assert keeper.unwrap(wrapped, b"") == SecretBytes(KEY)


def test_a_file_opens_again_to_the_same_root_key(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    made = create_passphrase_keeper(path, passphrase=SecretText(WORDS), cost=CHEAP)
    wrapped = made.wrap(SecretBytes(KEY), b"")
    opened = open_passphrase_keeper(path, passphrase=SecretText(WORDS))
    assert opened.key_id == made.key_id
    assert opened.unwrap(wrapped, b"") == SecretBytes(KEY)
    with pytest.raises(WrongPassphrase):
        open_passphrase_keeper(path, passphrase=SecretText(WORDS + "!"))


def test_a_file_is_its_owners_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    before = os.umask(0)
    try:
        create_passphrase_keeper(path, passphrase=SecretText(WORDS), cost=CHEAP)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["root.key"]
    assert WORDS.encode() not in path.read_bytes()


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    create_passphrase_keeper(path, passphrase=SecretText(WORDS), cost=CHEAP)
    before = path.read_bytes()
    with pytest.raises(KeyFileExists):
        create_passphrase_keeper(path, passphrase=SecretText("other words entirely"), cost=CHEAP)
    dangling = tmp_path / "dangling.key"
    dangling.symlink_to(tmp_path / "nowhere")
    with pytest.raises(KeyFileExists):
        create_passphrase_keeper(dangling, passphrase=SecretText(WORDS), cost=CHEAP)
    assert path.read_bytes() == before
    assert sorted(item.name for item in tmp_path.iterdir()) == ["dangling.key", "root.key"]


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(KeeperUnavailable):
        create_passphrase_keeper(tmp_path / "no" / "root.key", passphrase=SecretText(WORDS), cost=CHEAP)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NoKeyFile):
        open_passphrase_keeper(tmp_path / "absent", passphrase=SecretText(WORDS))
    odd = tmp_path / "odd"
    odd.write_bytes(b"{}" * 5000)
    with pytest.raises((Malformed, Exception), match=r"formats\.malformed|base\.not_canonical"):
        open_passphrase_keeper(odd, passphrase=SecretText(WORDS))
