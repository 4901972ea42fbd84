"""C2SP trust policies (c2sp.org/tlog-policy): which logs, which witnesses, and how many of them must have cosigned.

1. lines end in a newline; words are parted by spaces and tabs only; empty lines and lines that begin with ``#`` are
   passed over; other control characters are refused;
2. ``log VKEY [URL]``, ``witness NAME VKEY [URL]``, ``group NAME all|any|K NAME…``, ``quorum NAME|none``;
3. a name is defined before it is used, once, and is a member of one group at most; a public key is listed once;
4. there is exactly one quorum line.

Octets above ASCII are opaque: the text is read as Latin-1 and names are compared as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from tigertally.crypto.errors import BadKey, SignatureInvalid
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.cosignature import LOG_TYPES, WITNESS_TYPES, VKey
from tigertally.formats.errors import Malformed
from tigertally.formats.note import Note

BYTES_MAX: Final = 256 * 1024
LINES_MAX: Final = 1024
NONE: Final = "none"
_WORDS: Final = re.compile(r"[ \t]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,3}")
_KEY_FIELD: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A log or a witness: its name in the policy (a log's is its origin), key, and address if there is one."""

    name: str
    key: VKey
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """At least ``wanted`` of ``members`` must have witnessed."""

    name: str
    wanted: int
    members: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Policy:
    """A parsed policy. ``quorum`` is the name of a witness or group, or "none"."""

    logs: list[Listed] = field(default_factory=list)
    witnesses: dict[str, Listed] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = ""

    def cosigned(self, note: Note, checkpoint: Checkpoint) -> dict[str, int]:
        """Return the witnesses that cosigned, with the POSIX time of each.

        Raises ``SignatureInvalid`` if one that is listed is there and wrong.
        """
        found = {}
        for name, listed in self.witnesses.items():
            at = listed.key.signed_at(note, checkpoint)
            if at is not None:
                found[name] = at
        return found

    def met(self, cosigned: Collection[str]) -> bool:
        """Return whether these witnesses are a quorum."""
        return self.quorum == NONE or self._witnessed(self.quorum, cosigned)

    def lacking(self, cosigned: Collection[str]) -> list[str]:
        """Return the witnesses that count towards the quorum and have not cosigned."""
        return [] if self.quorum == NONE else [name for name in self._under(self.quorum) if name not in cosigned]

    def to_text(self) -> str:
        """Return the policy in one spelling: no comments, one space between words, definitions before their use."""
        words: list[tuple[str, ...]] = [("log", str(listed.key), listed.url) for listed in self.logs]
        words += [("witness", listed.name, str(listed.key), listed.url) for listed in self.witnesses.values()]
        lines = [" ".join(word for word in line if word) for line in words]
        lines += [f"group {group.name} {group.wanted} {' '.join(group.members)}" for group in self.groups.values()]
        return "\n".join([*lines, f"quorum {self.quorum}", ""])

    def _witnessed(self, name: str, cosigned: Collection[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in cosigned
        return sum(self._witnessed(member, cosigned) for member in group.members) >= group.wanted

    def _under(self, name: str) -> list[str]:
        group = self.groups.get(name)
        return [name] if group is None else [found for member in group.members for found in self._under(member)]


def log_signed(keys: Collection[VKey], note: Note, checkpoint: Checkpoint) -> bool:
    """Return whether any of a log's keys signed a checkpoint, and none of them wrongly."""
    try:
        signed = [key.signed_at(note, checkpoint) is not None for key in keys]
    except SignatureInvalid:
        return False
    return any(signed)


def parse(data: bytes) -> Policy:
    """Return the policy in ``data``; :class:`Malformed` with the line number otherwise."""
    if len(data) > BYTES_MAX or (data and not data.endswith(b"\n")) or data.count(b"\n") > LINES_MAX:
        raise Malformed(what="policy", where="size")
    policy, used, publics = Policy(), set[str](), set[tuple[str, bytes]]()
    for number, line in enumerate(data.decode("latin-1").split("\n"), start=1):
        words = [word for word in _WORDS.split(line) if word]
        if _CONTROL.search(line):
            raise Malformed(what="policy", where=f"line {number}")
        if not words or words[0].startswith("#"):
            continue
        if not _line(policy, words, used, publics):
            raise Malformed(what="policy", where=f"line {number}")
    if not policy.quorum:
        raise Malformed(what="policy", where="quorum")
    return policy


def _line(policy: Policy, words: list[str], used: set[str], publics: set[tuple[str, bytes]]) -> bool:
    """Take one line; return whether it is allowed there."""
    kind, rest = words[0], words[1:]
    if kind == "log" and len(rest) in {1, 2}:
        listed = _listed("", rest, LOG_TYPES)
        policy.logs += [] if listed is None else [listed]
        return listed is not None and _new(publics, kind, listed)
    if kind == "witness" and len(rest) in {2, 3} and _free(policy, rest[0]):
        listed = _listed(rest[0], rest[1:], WITNESS_TYPES)
        if listed is not None:
            policy.witnesses[rest[0]] = listed
        return listed is not None and _new(publics, kind, listed)
    if kind == "group" and len(rest) >= 3 and _free(policy, rest[0]):  # noqa: PLR2004 - name, how many, a member
        return _group(policy, rest, used)
    if kind == "quorum" and len(rest) == 1 and not policy.quorum:
        policy.quorum = rest[0]
        return rest[0] == NONE or not _free(policy, rest[0])
    return False


def _group(policy: Policy, rest: list[str], used: set[str]) -> bool:
    name, how, members = rest[0], rest[1], rest[2:]
    if any(member == NONE or _free(policy, member) or member in used for member in members):
        return False
    if len(set(members)) != len(members):
        return False
    if how in {"all", "any"}:
        wanted = len(members) if how == "all" else 1
    elif _NUMBER.fullmatch(how):
        wanted = int(how)
    else:
        return False
    used.update(members)
    policy.groups[name] = Group(name=name, wanted=wanted, members=tuple(members))
    return wanted <= len(members)


def _free(policy: Policy, name: str) -> bool:
    return name != NONE and name not in policy.witnesses and name not in policy.groups


def _listed(name: str, words: list[str], kinds: frozenset[int]) -> Listed | None:
    try:
        key = VKey.parse(words[0].encode("latin-1").decode())
    except (BadKey, UnicodeDecodeError):
        return None
    if key.kind not in kinds:
        return None
    return Listed(name=name or key.name, key=key, url=words[1] if len(words) > _KEY_FIELD else "")


def _new(publics: set[tuple[str, bytes]], kind: str, listed: Listed) -> bool:
    """Note a public key; return whether it was not listed before in that place."""
    mark = (kind, listed.key.public)
    known = mark in publics
    publics.add(mark)
    return not known
