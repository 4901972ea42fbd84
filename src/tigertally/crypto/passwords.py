"""Stored password hashes as others made them: what a text says it is, what it costs to guess, whether a password fits.

1. The algorithm and its cost are read from the text itself; a bare digest is known by its length only, so 64 digits are
   SHA-256 or SM3, and both are tried.
2. Where a salt stands beside a digest nobody says where it went: before, after, and (as forums do) after the digest of
   the password in letters. All three are computed, always, and compared in constant time.
3. What a stranger's text may make us spend is bounded; what is beyond is named and cannot be checked.
4. *Fast*: no cost at all, a graphics card tries thousands of millions a second. *Low*: a cost below what OWASP's
   Password Storage Cheat Sheet (2024) asks at least. Whatever is no Argon2id of that cost is to be replaced when its
   password is next seen.

bcrypt is the extra ``bcrypt``; without it such hashes are named and counted, and cannot be checked.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2d, Argon2i, Argon2id

from tigertally.base.secret import SecretText
from tigertally.crypto import oldcrypt
from tigertally.crypto.digest import sm3
from tigertally.crypto.errors import SuiteUnavailable
from tigertally.crypto.kdf import DEFAULT_COST, Argon2Cost, hash_passphrase

PASSWORD_BYTES_MAX: Final = 1_024
_BCRYPT_BYTES: Final = 72  # what follows is not looked at, by any implementation
# The least cost that is not low (OWASP), and the most that is spent on a stranger's text.
_ITERATIONS_MIN: Final = {"sha1": 1_300_000, "sha256": 600_000, "sha512": 210_000}
_ITERATIONS_MAX: Final = 10_000_000
_BCRYPT_MIN, _BCRYPT_MAX = 10, 16
_SCRYPT_MIN: Final = 8 * 5 * 2**14  # N·r·p
_SCRYPT_BYTES_MAX: Final = 2**30
_SCRYPT_LANES_MAX: Final = 16
_ARGON_MIN: Final = 35_840  # KiB times passes
_ARGON_KIB: Final = range(7_168, 2**20 + 1)
_ARGON_PASSES_MAX: Final = 16
_ARGONS: Final[dict[str, type[Argon2d | Argon2i | Argon2id]]] = {"d": Argon2d, "i": Argon2i, "id": Argon2id}
_BY_LENGTH: Final = {
    32: ("md5",),
    40: ("sha1",),
    56: ("sha224",),
    64: ("sha256", "sm3"),
    96: ("sha384",),
    128: ("sha512",),
}
_SCHEMES: Final = {"MD5": "md5", "SHA": "sha1", "SHA256": "sha256", "SHA512": "sha512"}

Verify: TypeAlias = Callable[[bytes], bool]


class Strength(Enum):
    """How much a guess costs."""

    FAST = "fast"
    LOW = "low"
    GOOD = "good"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Stored:
    """What a stored hash says. ``cost`` is "" where it has none; ``verify`` is None where it cannot be checked."""

    algorithm: str
    cost: str
    strength: Strength
    verify: Verify | None

    @property
    def weak(self) -> bool:
        """Whether guessing is too cheap, or nobody can say."""
        return self.strength is not Strength.GOOD

    @property
    def current(self) -> bool:
        """Whether it is what we would make: Argon2id of enough cost."""
        return self.algorithm == "argon2id" and not self.weak

    @property
    def named(self) -> str:
        """The algorithm and its cost."""
        return f"{self.algorithm} {self.cost}".strip()


def read(text: str) -> Stored:
    """Return what a stored hash says of itself. Never raises."""
    for pattern, made in _FORMS:
        if found := pattern.fullmatch(text):
            try:
                return made(found)
            except (ValueError, OverflowError):
                break
    return Stored(algorithm="unknown", cost="", strength=Strength.UNKNOWN, verify=None)


def fits(candidate: SecretText, stored: Stored) -> bool:
    """Return whether a password is the one that a hash was made from. What cannot be checked is no."""
    password = candidate.expose().encode()
    if stored.verify is None or len(password) > PASSWORD_BYTES_MAX:
        return False
    try:
        return stored.verify(password)
    except (ValueError, MemoryError, OverflowError, SuiteUnavailable):
        return False


def remade(candidate: SecretText, *, cost: Argon2Cost = DEFAULT_COST) -> str:
    """Return a new Argon2id hash of a password, with a salt of its own."""
    return hash_passphrase(candidate, cost=cost)


def _same(made: str | bytes, stored: str | bytes) -> bool:
    one, other = (item.encode() if isinstance(item, str) else item for item in (made, stored))
    return hmac.compare_digest(one, other)


def _digest(algorithm: str, data: bytes) -> bytes:
    if algorithm == "sm3":
        return sm3(data)
    return hashlib.new(algorithm, data, usedforsecurity=False).digest()


def _unbased(text: str) -> bytes:
    """Return what base64 says, with or without its end, in either alphabet of the ends of it."""
    try:
        return base64.b64decode(text.replace(".", "+") + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError from None


def _plain(algorithms: Iterable[str], digest: bytes, salt: bytes | None) -> Stored:
    names = tuple(algorithms)

    def verify(password: bytes) -> bool:
        right = False
        for name in names:
            inner = _digest(name, password).hex().encode()
            ways = [password] if salt is None else [password + salt, salt + password, inner + salt]
            for way in ways:
                right |= _same(_digest(name, way), digest)
        return right

    salted = "" if salt is None else ", salted"
    return Stored(algorithm=" or ".join(names) + salted, cost="", strength=Strength.FAST, verify=verify)


def _bare(found: re.Match[str]) -> Stored:
    salt = found["salt"]
    names = _BY_LENGTH.get(len(found["hex"]))
    if names is None:
        raise ValueError
    return _plain(names, bytes.fromhex(found["hex"]), None if salt is None else salt.encode())


def _named_digest(found: re.Match[str]) -> Stored:
    """``sha1$salt$hex``, as Django once wrote."""
    digest = bytes.fromhex(found["hex"])
    if found["name"] not in _BY_LENGTH.get(2 * len(digest), ()):
        raise ValueError
    return _plain((found["name"],), digest, found["salt"].encode() or None)


def _directory(found: re.Match[str]) -> Stored:
    """``{SSHA}…``, as directories write: base64 of the digest, then the salt."""
    name = _SCHEMES[found["scheme"]]
    raw = _unbased(found["data"])
    width = len(_digest(name, b""))
    if len(raw) < width:
        raise ValueError
    return _plain((name,), raw[:width], raw[width:] or None)


def _mysql(found: re.Match[str]) -> Stored:
    digest = bytes.fromhex(found["hex"])

    def verify(password: bytes) -> bool:
        return _same(_digest("sha1", _digest("sha1", password)), digest)

    return Stored(algorithm="mysql41", cost="", strength=Strength.FAST, verify=verify)


def _sha_crypt(found: re.Match[str]) -> Stored:
    algorithm = {"5": "sha256", "6": "sha512"}[found["id"]]
    rounds = max(oldcrypt.SHA_ROUNDS_MIN, int(found["rounds"] or oldcrypt.SHA_ROUNDS))
    salt, stored = found["salt"].encode(), found["hash"]

    def verify(password: bytes) -> bool:
        return _same(oldcrypt.sha_crypt(algorithm, password, salt, rounds=rounds), stored)

    return _iterated(f"{algorithm}-crypt", rounds, verify, least=_ITERATIONS_MIN[algorithm], word="rounds")


def _md5_crypt(found: re.Match[str]) -> Stored:
    magic, salt, stored = found["magic"].encode(), found["salt"].encode(), found["hash"]

    def verify(password: bytes) -> bool:
        return _same(oldcrypt.md5_crypt(password, salt, magic=magic), stored)

    cost = f"rounds={oldcrypt.MD5_ROUNDS}"
    return Stored(algorithm="md5-crypt", cost=cost, strength=Strength.LOW, verify=verify)


def _phpass(found: re.Match[str]) -> Stored:
    exponent = oldcrypt.LETTERS.index(found["cost"])
    salt, stored = found["salt"].encode(), found["hash"]
    rounds = 2**exponent

    def verify(password: bytes) -> bool:
        return _same(oldcrypt.phpass(password, salt, rounds=rounds), stored)

    return _iterated("phpass", rounds, verify, least=_ITERATIONS_MIN["sha1"], word="rounds")


def _iterated(algorithm: str, times: int, verify: Verify, *, least: int, word: str) -> Stored:
    strength = Strength.GOOD if times >= least else Strength.LOW
    checkable = verify if 1 <= times <= _ITERATIONS_MAX else None
    return Stored(algorithm=algorithm, cost=f"{word}={times}", strength=strength, verify=checkable)


def _pbkdf2(digest: str, times: str, salt: bytes, stored: bytes) -> Stored:
    count = int(times)

    def verify(password: bytes) -> bool:
        return _same(hashlib.pbkdf2_hmac(digest, password, salt, count, len(stored)), stored)

    return _iterated(f"pbkdf2-{digest}", count, verify, least=_ITERATIONS_MIN[digest], word="iterations")


def _django_pbkdf2(found: re.Match[str]) -> Stored:
    return _pbkdf2(found["digest"], found["times"], found["salt"].encode(), _unbased(found["hash"]))


def _passlib_pbkdf2(found: re.Match[str]) -> Stored:
    return _pbkdf2(found["digest"] or "sha1", found["times"], _unbased(found["salt"]), _unbased(found["hash"]))


def _werkzeug_pbkdf2(found: re.Match[str]) -> Stored:
    return _pbkdf2(found["digest"], found["times"], found["salt"].encode(), bytes.fromhex(found["hash"]))


def _scrypt(exponent: int, r: int, p: int, salt: bytes, stored: bytes) -> Stored:
    n = 2**exponent
    strength = Strength.GOOD if n * r * p >= _SCRYPT_MIN else Strength.LOW

    def verify(password: bytes) -> bool:
        spend = 128 * r * (n + p + 2)
        return _same(hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=2 * spend, dklen=len(stored)), stored)

    affordable = exponent >= 1 and r >= 1 and 1 <= p <= _SCRYPT_LANES_MAX and 128 * r * n <= _SCRYPT_BYTES_MAX
    cost = f"n=2^{exponent},r={r},p={p}"
    return Stored(algorithm="scrypt", cost=cost, strength=strength, verify=verify if affordable else None)


def _passlib_scrypt(found: re.Match[str]) -> Stored:
    numbers = (int(found["ln"]), int(found["r"]), int(found["p"]))
    return _scrypt(*numbers, _unbased(found["salt"]), _unbased(found["hash"]))


def _werkzeug_scrypt(found: re.Match[str]) -> Stored:
    numbers = (_exponent(int(found["n"])), int(found["r"]), int(found["p"]))
    return _scrypt(*numbers, found["salt"].encode(), bytes.fromhex(found["hash"]))


def _django_scrypt(found: re.Match[str]) -> Stored:
    numbers = (_exponent(int(found["n"])), int(found["r"]), int(found["p"]))
    return _scrypt(*numbers, found["salt"].encode(), _unbased(found["hash"]))


def _exponent(n: int) -> int:
    if n.bit_count() != 1:
        raise ValueError
    return n.bit_length() - 1


def _bcrypt(found: re.Match[str]) -> Stored:
    cost, stored = int(found["cost"]), found["hash"]
    inside = found["inside"] == "bcrypt_sha256$"
    strength = Strength.GOOD if cost >= _BCRYPT_MIN else Strength.LOW
    affordable = cost <= _BCRYPT_MAX and found["kind"] != "x"  # what \$2x\$ marks is a mistake of one program

    def verify(password: bytes) -> bool:
        import bcrypt  # noqa: PLC0415 - an extra

        given = hashlib.sha256(password).hexdigest().encode() if inside else password
        if b"\x00" in given:
            raise ValueError
        return bcrypt.checkpw(given[:_BCRYPT_BYTES], stored.encode())

    checkable = verify if affordable and find_spec("bcrypt") is not None else None
    name = "bcrypt-sha256" if inside else "bcrypt"
    return Stored(algorithm=name, cost=f"cost={cost}", strength=strength, verify=checkable)


def _argon2(found: re.Match[str]) -> Stored:
    kind = _ARGONS[found["kind"]]
    memory, passes, lanes, text = int(found["m"]), int(found["t"]), int(found["p"]), found["text"]
    strength = Strength.GOOD if memory * passes >= _ARGON_MIN and memory in _ARGON_KIB else Strength.LOW
    affordable = memory < _ARGON_KIB.stop and passes <= _ARGON_PASSES_MAX

    def verify(password: bytes) -> bool:
        try:
            kind.verify_phc_encoded(password, text)
        except InvalidKey:
            return False
        return True

    cost = f"m={memory},t={passes},p={lanes}"
    return Stored(
        algorithm=f"argon2{found['kind']}", cost=cost, strength=strength, verify=verify if affordable else None
    )


def _unread(algorithm: str) -> Callable[[re.Match[str]], Stored]:
    """Return the reader of a form that is known by name only."""

    def made(_: re.Match[str]) -> Stored:
        return Stored(algorithm=algorithm, cost="", strength=Strength.UNKNOWN, verify=None)

    return made


_FORMS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Stored]], ...]] = tuple(
    (re.compile(pattern, re.ASCII), made)
    for pattern, made in (
        (
            r"(?:\{argon2\}|argon2)?(?P<text>\$argon2(?P<kind>id|i|d)\$v=19\$m=(?P<m>\d{1,9}),t=(?P<t>\d{1,5}),p=(?P<p>\d{1,5})\$\S+)",
            _argon2,
        ),
        (
            r"(?:\{bcrypt\}|(?P<inside>bcrypt(?:_sha256)?\$))?(?P<hash>\$2(?P<kind>[abxy]?)\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53})",
            _bcrypt,
        ),
        (
            r"pbkdf2_(?P<digest>sha1|sha256|sha512)\$(?P<times>\d{1,9})\$(?P<salt>[^$\s]+)\$(?P<hash>\S+)",
            _django_pbkdf2,
        ),
        (
            r"\$pbkdf2(?:-(?P<digest>sha1|sha256|sha512))?\$(?P<times>\d{1,9})\$(?P<salt>[^$\s]+)\$(?P<hash>\S+)",
            _passlib_pbkdf2,
        ),
        (
            r"pbkdf2:(?P<digest>sha1|sha256|sha512):(?P<times>\d{1,9})\$(?P<salt>[^$\s]+)\$(?P<hash>[0-9a-f]{32,})",
            _werkzeug_pbkdf2,
        ),
        (
            r"\$scrypt\$ln=(?P<ln>\d{1,2}),r=(?P<r>\d{1,5}),p=(?P<p>\d{1,5})\$(?P<salt>[^$\s]+)\$(?P<hash>\S+)",
            _passlib_scrypt,
        ),
        (
            r"scrypt:(?P<n>\d{1,10}):(?P<r>\d{1,5}):(?P<p>\d{1,5})\$(?P<salt>[^$\s]+)\$(?P<hash>[0-9a-f]{32,})",
            _werkzeug_scrypt,
        ),
        (
            r"scrypt\$(?P<n>\d{1,10})\$(?P<salt>[^$\s]+)\$(?P<r>\d{1,5})\$(?P<p>\d{1,5})\$(?P<hash>\S+)",
            _django_scrypt,
        ),
        (
            r"\$(?P<id>[56])\$(?:rounds=(?P<rounds>\d{1,9})\$)?(?P<salt>[^$\s:]{0,16})\$(?P<hash>[./A-Za-z0-9]{43}|[./A-Za-z0-9]{86})",
            _sha_crypt,
        ),
        (r"(?P<magic>\$(?:1|apr1)\$)(?P<salt>[^$\s]{1,8})\$(?P<hash>[./A-Za-z0-9]{22})", _md5_crypt),
        (r"\$[PH]\$(?P<cost>[./0-9A-Za-z])(?P<salt>[./A-Za-z0-9]{8})(?P<hash>[./A-Za-z0-9]{22})", _phpass),
        (r"\$y\$\S+", _unread("yescrypt")),
        (r"\$7\$\S+", _unread("scrypt")),
        (r"\*(?P<hex>[0-9A-F]{40})", _mysql),
        (r"\{S?(?P<scheme>MD5|SHA256|SHA512|SHA)\}(?P<data>[A-Za-z0-9+/=]+)", _directory),
        (r"(?P<name>md5|sha1|sha256|sha512)\$(?P<salt>[^$\s]*)\$(?P<hex>[0-9a-f]+)", _named_digest),
        (r"\$(?P<salt>[^$\s]{1,64})\$(?P<hex>[0-9a-fA-F]{32,128})", _bare),
        (r"(?P<hex>[0-9a-fA-F]{32,128})(?:[:$](?P<salt>\S{1,64}))?", _bare),
    )
)
