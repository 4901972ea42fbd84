"""Stored password hashes: what a text says of itself, and whether a password fits it."""

from __future__ import annotations

import base64
import hashlib

import bcrypt
import pytest

from tigertally.base.secret import SecretText
from tigertally.crypto import passwords
from tigertally.crypto.digest import sm3
from tigertally.crypto.kdf import Argon2Cost
from tigertally.crypto.passwords import Strength

PASSWORD = "horse 虎符 battery"
RAW = PASSWORD.encode()
CHEAP = Argon2Cost(memory_kib=19_456, passes=2, lanes=1)


def _h(name: str, data: bytes) -> hashlib._Hash:
    return hashlib.new(name, data)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _django_pbkdf2() -> str:
    return "pbkdf2_sha256$1000$na$" + base64.b64encode(hashlib.pbkdf2_hmac("sha256", RAW, b"na", 1000)).decode()


def _passlib_pbkdf2() -> str:
    made = _b64(hashlib.pbkdf2_hmac("sha512", RAW, b"salt" * 4, 25_000)).replace("+", ".")
    return f"$pbkdf2-sha512$25000${_b64(b'salt' * 4)}${made}"


def _scrypt() -> bytes:
    return hashlib.scrypt(RAW, salt=b"saltsaltsaltsalt", n=2**10, r=8, p=1, dklen=64)


# The texts of SHA-crypt, MD5-crypt and Apache's are what OpenSSL makes of it (openssl passwd -6 -salt saltsalt …).
MADE = {
    "md5": _h("md5", RAW).hexdigest(),
    "md5, salted": f"{_h('md5', RAW + b'Na7').hexdigest()}:Na7",
    "sha1": _h("sha1", RAW).hexdigest().upper(),
    "sha1, salted": f"sha1$ab${_h('sha1', b'ab' + RAW).hexdigest()}",
    "sha256 or sm3": sm3(RAW).hex(),
    "sha256 or sm3, salted": f"{_h('sha256', RAW + b'pepper').hexdigest()}$pepper",
    "sha512": _h("sha512", RAW).hexdigest(),
    "sha512, salted": "{SSHA512}" + base64.b64encode(_h("sha512", RAW + b"salt").digest() + b"salt").decode(),
    "mysql41": "*" + _h("sha1", _h("sha1", RAW).digest()).hexdigest().upper(),
    "md5-crypt rounds=1000": "$1$saltsalt$fkW8DiOiZEbIOuvrWo6Uc0",
    "sha256-crypt rounds=5000": "$5$saltsalt$SoBjk/cSgGocBuCD05P5R2yhjRy7/aFKzDIO3mqjxI0",
    "sha512-crypt rounds=5000": (
        "$6$saltsalt$VLn8Css3MdBBvm.7LvMBZBOFR9TlD25PhkNKyepcyC.6qn8bV4qpLKw/0rk4Fcaj9pEnKcd.allMObotpOf.H1"
    ),
    "pbkdf2-sha256 iterations=1000": _django_pbkdf2(),
    "pbkdf2-sha512 iterations=25000": _passlib_pbkdf2(),
    "pbkdf2-sha1 iterations=1000": f"pbkdf2:sha1:1000$na${hashlib.pbkdf2_hmac('sha1', RAW, b'na', 1000).hex()}",
    "scrypt n=2^10,r=8,p=1": f"scrypt:1024:8:1$saltsaltsaltsalt${_scrypt().hex()}",
    "bcrypt cost=4": bcrypt.hashpw(RAW, bcrypt.gensalt(4)).decode(),
    "argon2id m=19456,t=2,p=1": passwords.remade(SecretText(PASSWORD), cost=CHEAP),
}
# More spellings of the same, which have the same name.
ALSO = [
    "$apr1$saltsalt$uLtoOW5GnCdDHsXvCFhM0/",
    f"{_h('md5', _h('md5', RAW).hexdigest().encode() + b'x1').hexdigest()}:x1",
    f"$x1${_h('sha256', b'x1' + RAW).hexdigest()}",
    "{SHA}" + base64.b64encode(_h("sha1", RAW).digest()).decode(),
    f"$scrypt$ln=10,r=8,p=1${_b64(b'saltsaltsaltsalt')}${_b64(_scrypt())}",
    f"scrypt$1024$saltsaltsaltsalt$8$1${base64.b64encode(_scrypt()).decode()}",
    "{bcrypt}" + MADE["bcrypt cost=4"],
    "bcrypt_sha256$" + bcrypt.hashpw(_h("sha256", RAW).hexdigest().encode(), bcrypt.gensalt(4)).decode(),
    "argon2" + MADE["argon2id m=19456,t=2,p=1"],
]


@pytest.mark.parametrize("named", MADE)
def test_a_hash_is_named_and_checked(named: str) -> None:
    stored = passwords.read(MADE[named])
    assert stored.named == named
    assert passwords.fits(SecretText(PASSWORD), stored)
    assert not passwords.fits(SecretText(PASSWORD + " "), stored)
    assert not passwords.fits(SecretText(""), stored)
    assert stored.weak is not named.startswith("argon2id")
    assert stored.current is named.startswith("argon2id")


@pytest.mark.parametrize("at", range(len(ALSO)))  # salts are drawn: by number, not by text
def test_other_spellings(at: int) -> None:
    text = ALSO[at]
    stored = passwords.read(text)
    assert passwords.fits(SecretText(PASSWORD), stored)
    assert not passwords.fits(SecretText("another"), stored)


# From the specification of SHA-crypt, and the test of phpass.
@pytest.mark.parametrize(
    ("text", "password"),
    [
        (
            "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
            "Hello world!",
        ),
        (
            "$5$rounds=1400$anotherlongsalts$Rx.j8H.h8HjEDGomFU8bDkXm3XIUnzyxf12oP84Bnq1",
            "a very much longer text to encrypt.  This one even stretches over morethan one line.",
        ),
        ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345"),
    ],
)
def test_published_vectors(text: str, password: str) -> None:
    assert passwords.fits(SecretText(password), passwords.read(text))


@pytest.mark.parametrize(
    "text",
    [
        "$argon2id$v=19$m=4194304,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo",
        "$argon2id$v=19$m=65536,t=99,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo",
        "pbkdf2_sha256$999999999$na$" + "A" * 43 + "=",
        "scrypt:1073741824:8:1$saltsalt$" + "0" * 128,
        "$6$rounds=999999999$saltsalt$" + "a" * 86,
        "$2b$31$" + "a" * 53,
        "$P$z" + "a" * 30,
        "$y$j9T$saltsalt$" + "a" * 43,
        "{noop}a clear password!",
        "{SSHA}AAAA",
        "scrypt:1000:8:1$saltsalt$" + "0" * 128,
        "md5$na$" + "0" * 40,
        "0" * 33,
        "",
    ],
)
def test_what_costs_too_much_or_is_not_known_is_never_a_yes(text: str) -> None:
    stored = passwords.read(text)
    assert stored.verify is None
    assert not passwords.fits(SecretText(PASSWORD), stored)


def test_a_password_of_any_length_is_bounded() -> None:
    stored = passwords.read(_h("md5", b"a" * 2000).hexdigest())
    assert not passwords.fits(SecretText("a" * 2000), stored)


def test_strength_follows_the_cost() -> None:
    assert passwords.read("pbkdf2_sha256$600000$na$" + "A" * 43 + "=").strength is Strength.GOOD
    assert passwords.read("pbkdf2_sha256$599999$na$" + "A" * 43 + "=").strength is Strength.LOW
    assert passwords.read("$2b$12$" + "a" * 53).strength is Strength.GOOD
    assert passwords.read("0" * 32).strength is Strength.FAST
