"""New passphrases: what is refused as too short, guessable or breached, and what is not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tigertally.access.errors import (
    BreachedListBroken,
    BreachedPassphrase,
    GuessablePassphrase,
    WeakPassphrase,
)
from tigertally.access.passphrases import is_listed, need_good
from tigertally.base.secret import SecretText

GOOD = (
    "correct horse battery",
    "long-and-invented-chen",
    "Own-Canary-Passphrase-of-ren-5507",
    "一只老虎两半才能调兵遣将也",
    "vF9-2kqLw81-pXz",
    "rain kettle orbit",
)
GUESSED = (
    "password1234",
    "P@ssw0rd2026!!",
    "123456789012345",
    "qwertyuiop[]\\",
    "qwertyuiopasdfghjkl",
    "aaaaaaaaaaaa",
    "abcabcabcabcabc",
    "iloveyou-forever",
    "woaini1314520520",
    "yunshan-yunshan",
    "Yunshan2026Chen",
    "tigertallytigertally",
    "zyxwvutsrqponm",
    "1qaz1qaz1qaz1qaz",
)


@pytest.mark.parametrize("text", GOOD)
def test_sentences_and_random_ones_are_taken(text: str) -> None:
    need_good(SecretText(text), names=("chen", "Yunshan Youxuan"))


@pytest.mark.parametrize("text", GUESSED)
def test_what_is_tried_first_is_refused(text: str) -> None:
    with pytest.raises(GuessablePassphrase):
        need_good(SecretText(text), names=("chen", "Yunshan Youxuan"))


def test_short_and_endless_ones_are_refused() -> None:
    for text in ("", "short", "11 letters!", "a b" * 400):
        with pytest.raises(WeakPassphrase):
            need_good(SecretText(text))


def listed(words: list[str]) -> list[str]:
    digests = sorted(hashlib.sha1(word.encode(), usedforsecurity=False).hexdigest().upper() for word in words)
    return [f"{digest}:{number % 9999 + 1}" for number, digest in enumerate(digests)]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_file_of_hashes_is_searched_by_halves(tmp_path: Path, ending: str) -> None:
    words = [f"breached passphrase {number}" for number in range(997)]
    for count in (0, 1, 2, 3, 997):
        path = tmp_path / f"list-{count}"
        path.write_bytes("".join(line + ending for line in listed(words[:count])).encode())
        assert all(is_listed(word, path) for word in words[:count])
        assert not any(is_listed(f"another {number}", path) for number in range(200))
    with pytest.raises(BreachedPassphrase):
        need_good(SecretText(words[5]), breached=tmp_path / "list-997")
    need_good(SecretText("rain kettle orbit"), breached=tmp_path / "nothing there")


def test_a_folder_of_ranges_is_searched(tmp_path: Path) -> None:
    digest = hashlib.sha1(b"rain kettle orbit", usedforsecurity=False).hexdigest().upper()
    prefix, suffix = digest[:5], digest[5:]
    with pytest.raises(BreachedListBroken):  # the range is not there
        is_listed("rain kettle orbit", tmp_path)
    (tmp_path / prefix).write_text(f"{'0' * 35}:4\r\n{suffix}:0\r\n")
    assert not is_listed("rain kettle orbit", tmp_path), "padding"
    (tmp_path / prefix).write_text(f"{'0' * 35}:4\r\n{suffix}:12\r\n")
    assert is_listed("rain kettle orbit", tmp_path)


def test_a_list_that_cannot_be_read_refuses(tmp_path: Path) -> None:
    path = tmp_path / "list"
    for content in ("x\n" * 50, "password\n", "0" * 41 + ":1\n", "0" * 40 + "\n"):
        path.write_text(content)
        with pytest.raises(BreachedListBroken):
            is_listed("rain kettle orbit", path)
