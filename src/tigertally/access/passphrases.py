"""Whether a new passphrase may be taken: long enough, not guessable, not in a list of breached ones.

No rules of composition (NIST SP 800-63B §5.1.1.2): length, and not being what attackers try first. 1. At least twelve
characters. 2. Not made of a few characters, a repetition, or a run of neighbours on a keyboard or in the alphabet.
3. Not one or two words of the shipped list (or the person's or organisation's name), with digits and signs around them,
letters spelled as digits read back. 4. Not in the list of breached passphrases that the organisation put beside its
database, if there is one: a file of ``SHA1:count`` lines in ascending order, or a folder of range files named by the
first five digits, both as published by Have I Been Pwned. Nothing is asked over a network.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from tigertally.access.errors import BreachedListBroken, BreachedPassphrase, GuessablePassphrase, WeakPassphrase
from tigertally.base.secret import SecretText
from tigertally.crypto.digest import sha1_hex

CHARS_MIN: Final = 12
CHARS_MAX: Final = 1_000
KINDS_MIN: Final = 5
WORDS_MAX: Final = 2
LIST_NAME: Final = "breached-passphrases"
_PREFIX: Final = 5
_LINE_BYTES_MAX: Final = 200
_READ_BACK: Final = str.maketrans("0134578@$!", "oleastbasi")
_WALKS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "abcdefghijklmnopqrstuvwxyz")
_HASH: Final = re.compile(rb"[0-9A-F]{40}:[0-9]{1,15}\r?\n?")
_SUFFIX: Final = re.compile(r"[0-9A-F]{35}:[0-9]{1,15}")


def need_good(passphrase: SecretText, *, names: Sequence[str] = (), breached: Path | None = None) -> None:
    """Return if the passphrase may be taken.

    Raises :class:`WeakPassphrase` if it is too short, :class:`GuessablePassphrase`, :class:`BreachedPassphrase`, and
    :class:`BreachedListBroken` if there is a list that cannot be read.
    """
    text = passphrase.expose()
    if not CHARS_MIN <= len(text) <= CHARS_MAX:
        raise WeakPassphrase(chars=CHARS_MIN)
    if _guessable(text, names):
        raise GuessablePassphrase
    if breached is not None and breached.exists() and is_listed(text, breached):
        raise BreachedPassphrase


def is_listed(text: str, path: Path) -> bool:
    """Return whether a list of breached passphrases, a file or a folder, has ``text``."""
    digest = sha1_hex(text.encode()).upper()
    try:
        return _in_folder(digest, path) if path.is_dir() else _in_file(digest.encode(), path)
    except (OSError, UnicodeDecodeError) as error:
        raise BreachedListBroken(what=type(error).__name__) from None


def _in_folder(digest: str, folder: Path) -> bool:
    prefix, suffix = digest[:_PREFIX], digest[_PREFIX:]
    for path in (folder / prefix, folder / f"{prefix}.txt"):
        if path.is_file():
            lines = path.read_text("ascii").split()
            if not all(_SUFFIX.fullmatch(line) for line in lines):
                raise BreachedListBroken(what=path.name)
            return any(line.startswith(suffix) and not line.endswith(":0") for line in lines)
    raise BreachedListBroken(what=prefix)  # a range that is not there is not known to be clean


def _in_file(digest: bytes, path: Path) -> bool:
    """Search by halves: about 36 reads in the largest list there is."""
    with path.open("rb") as file:
        low, high = 0, file.seek(0, 2)
        while low < high:
            middle = (low + high) // 2
            file.seek(middle)
            start = middle if middle == 0 else middle + len(file.readline(_LINE_BYTES_MAX))
            file.seek(start)
            line = file.readline(_LINE_BYTES_MAX)
            if not line or start >= high:  # the half holds one line, at its beginning
                file.seek(low)
                return _first_of(file.read(high - low), digest)
            if not _HASH.fullmatch(line):
                raise BreachedListBroken(what=path.name)
            if line[:40] == digest:
                return True
            low, high = (start + len(line), high) if line[:40] < digest else (low, start)
    return False


def _first_of(chunk: bytes, digest: bytes) -> bool:
    for line in chunk.splitlines():
        if not _HASH.fullmatch(line):
            raise BreachedListBroken(what="line")
        if line[:40] == digest:
            return True
    return False


@cache
def _words() -> frozenset[str]:
    text = resources.files("tigertally.data").joinpath("passphrases.txt").read_text("utf-8")
    return frozenset(line for line in text.split("\n") if line and not line.startswith("#"))


def _guessable(text: str, names: Sequence[str]) -> bool:
    low = text.casefold()
    bare = "".join([letter for letter in low if letter.isalnum()])
    if len(set(bare)) < KINDS_MIN or _repeats(bare) or _left_of_runs(bare) < KINDS_MIN:
        return True
    words = _words() | {part for name in names for part in re.findall(r"\w{3,}", name.casefold())}
    inner = re.sub(r"^[^a-z\u4e00-\u9fff]+|[^a-z\u4e00-\u9fff]+$", "", low)  # digits around a word are no letters of it
    ways = (low, low.translate(_READ_BACK), inner.translate(_READ_BACK))
    return any(_is_words(re.sub(r"[^a-z\u4e00-\u9fff]+", "", way), words) for way in ways)


def _repeats(text: str) -> bool:
    """Return whether it is one piece again and again."""
    return bool(text) and text in (text + text)[1:-1]


def _left_of_runs(text: str) -> int:
    """Return how many characters are left when runs of four and more neighbours are taken out."""
    for walk in _WALKS:
        for way in (walk, walk[::-1]):
            ring = way + way
            for size in range(len(way), 3, -1):
                for at in range(len(way)):
                    text = text.replace(ring[at : at + size], "")
    return len(text)


def _is_words(letters: str, words: frozenset[str] | set[str]) -> bool:
    """Return whether it is nothing but at most :data:`WORDS_MAX` of these words."""
    if not letters:
        return True
    reach = {0: 0}
    for start in range(len(letters)):
        if start not in reach or reach[start] == WORDS_MAX:
            continue
        for end in range(start + 3, len(letters) + 1):
            if letters[start:end] in words:
                reach[end] = min(reach.get(end, WORDS_MAX), reach[start] + 1)
    return len(letters) in reach
