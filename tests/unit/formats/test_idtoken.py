"""ID tokens: what a good one says, and every lie of a provider refused by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from tests.unit.formats.tokens import Claims, Signer, es256, shifted

from tigertally.crypto import jose
from tigertally.crypto.errors import SignatureInvalid
from tigertally.formats import idtoken, jws
from tigertally.formats.errors import Malformed
from tigertally.formats.idtoken import Expected
from tigertally.formats.jws import PublicKey, to_b64url

NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EXPECTED: Final = Expected(
    issuer="https://login.example", client="tigertally", nonce="n" * 43, algorithms=idtoken.ALGORITHMS
)
AT: Final = int(NOW.timestamp())
GOOD: Final[Claims] = {
    "iss": EXPECTED.issuer, "sub": "248289761001", "aud": EXPECTED.client, "nonce": EXPECTED.nonce,
    "iat": AT, "exp": AT + 300, "email": "zhao@example.com", "at_hash": "x",
}  # fmt: skip
RSA: Final = generate_private_key(65537, 2048)
ED: Final = Signer()
EC: Final = es256()


def rsa_jwk(key: RSAPrivateKey, **more: object) -> dict[str, object]:
    numbers = key.public_key().public_numbers()
    n, e = (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (numbers.n, numbers.e))
    return {"kty": "RSA", "n": to_b64url(n), "e": to_b64url(e), **more}


def rs256(claims: Mapping[str, object], header: Mapping[str, object], key: RSAPrivateKey = RSA) -> bytes:
    signed = ".".join(to_b64url(json.dumps(part).encode()) for part in (header, claims)).encode()
    return signed + b"." + to_b64url(key.sign(signed, PKCS1v15(), SHA256())).encode()


def keys_of(*jwks: Mapping[str, object]) -> list[PublicKey]:
    return jws.key_set(json.dumps({"keys": jwks}).encode())


def ed_jwk(signer: Signer, **more: object) -> dict[str, object]:
    return {"kty": "OKP", "crv": "Ed25519", "x": to_b64url(signer.public.key), **more}


def ec_jwk(signer: Signer, **more: object) -> dict[str, object]:
    point = signer.public.key
    return {"kty": "EC", "crv": "P-256", "x": to_b64url(point[1:33]), "y": to_b64url(point[33:]), **more}


KEYS: Final = keys_of(ed_jwk(ED, kid="e"), ec_jwk(EC, kid="c"), rsa_jwk(RSA, kid="r", alg="RS256", use="sig"))


def told(token: bytes, keys: list[PublicKey] = KEYS, expected: Expected = EXPECTED) -> str:
    """What a refusal names."""
    with pytest.raises((Malformed, SignatureInvalid)) as caught:
        idtoken.read(token, expected=expected, keys=keys, now=NOW)
    return str(caught.value.details.get("where", "signature"))


LIES: Final[tuple[tuple[Claims, str], ...]] = (
    ({"iss": "https://login.example/"}, "iss"),
    ({"iss": ["https://login.example"]}, "iss"),
    ({"aud": "other"}, "aud"),
    ({"aud": ["tigertally", "other"]}, "aud"),
    ({"aud": []}, "aud"),
    ({"aud": None}, "aud"),
    ({"azp": "other"}, "azp"),
    ({"azp": ["tigertally"]}, "azp"),
    ({"nonce": "m" * 43}, "nonce"),
    ({"nonce": ""}, "nonce"),
    ({"nonce": None}, "nonce"),
    ({"exp": 0}, "exp"),
    ({"exp": -1}, "exp"),
    ({"exp": 10.5}, "exp"),
    ({"exp": True}, "exp"),
    ({"iat": 61}, "iat"),
    ({"iat": -601}, "iat"),
    ({"iat": 50, "exp": 50}, "exp"),
    ({"iat": "now"}, "iat"),
    ({"nbf": 61}, "nbf"),
    ({"nbf": "x"}, "nbf"),
    ({"sub": ""}, "sub"),
    ({"sub": "x" * 256}, "sub"),
    ({"sub": "zh\u00e0o"}, "sub"),
    ({"sub": 7}, "sub"),
    ({"auth_time": "x"}, "auth_time"),
    ({"acr": 2}, "acr"),
    ({"amr": "otp"}, "amr"),
    ({"amr": ["otp", 1]}, "amr"),
)


@pytest.mark.parametrize(("lie", "where"), LIES, ids=[f"{where}:{json.dumps(lie)[:30]}" for lie, where in LIES])
def test_a_lie_is_refused_by_name(lie: Claims, where: str) -> None:
    assert told(ED.token(shifted(GOOD, lie, NOW))) == where
    missing = {key: value for key, value in GOOD.items() if key != where}
    if where in ("iss", "aud", "nonce", "exp", "iat", "sub"):
        assert told(ED.token(missing)) == where


def test_a_good_one_by_each_algorithm() -> None:
    more = {**GOOD, "aud": ["tigertally"], "azp": "tigertally", "nbf": AT, "auth_time": AT, "acr": "2", "amr": ["otp"]}
    for token in (
        ED.token(more, {"alg": "EdDSA", "kid": "e", "typ": "JWT"}),
        EC.token(more, {"alg": "ES256", "kid": "c"}),
        rs256(more, {"alg": "RS256", "kid": "r", "x5t": "x"}),
        rs256(more, {"alg": "RS256"}),  # the only key that fits
    ):
        found = idtoken.read(token, expected=EXPECTED, keys=KEYS, now=NOW)
        assert (found.subject, found.acr, found.amr, found.auth_time) == ("248289761001", "2", ("otp",), NOW)


def test_algorithm_and_key_are_not_the_tokens_to_choose() -> None:
    for name in ("none", "HS256", "HS512", "RS384", "PS256", "ES384", "rs256"):
        assert told(rs256(GOOD, {"alg": name})) == "alg"
    narrow = Expected(issuer=EXPECTED.issuer, client=EXPECTED.client, nonce=EXPECTED.nonce, algorithms=("RS256",))
    assert told(ED.token(GOOD), expected=narrow) == "alg"
    # A public key as a shared secret: the classical confusion ends at the algorithm.
    assert told(rs256(GOOD, {"alg": "HS256", "kid": "r"})) == "alg"
    assert told(rs256(GOOD, {"alg": "ES256", "kid": "r"})) == "alg"
    assert told(rs256(GOOD, {"alg": "RS256", "kid": "gone"})) == "kid"
    assert told(rs256(GOOD, {"alg": "RS256", "kid": ""})) == "kid"
    assert told(rs256(GOOD, {"alg": "RS256", "kid": "r"}, generate_private_key(65537, 2048))) == "signature"
    assert told(ED.token(GOOD, {"alg": "EdDSA", "kid": "e"})[:-4]) in ("signature", "base64url")
    two = keys_of(ed_jwk(ED, kid="1"), ed_jwk(Signer(), kid="2"))
    assert told(ED.token(GOOD), keys=two) == "kid"
    strange: tuple[dict[str, object], ...] = (
        {"jwk": {}},
        {"jku": "https://x.invalid"},
        {"crit": []},
        {"x5c": []},
        {"typ": "at+jwt"},
    )
    for extra in strange:
        assert told(ED.token(GOOD, {"alg": "EdDSA", **extra})) == "header"
    twice = json.dumps(GOOD)[:-1] + ', "sub": "admin"}'
    head = to_b64url(b'{"alg":"EdDSA"}')
    signed = f"{head}.{to_b64url(twice.encode())}".encode()
    assert told(signed + b"." + to_b64url(ED.sign(signed)).encode()) == "JSON"


def test_key_sets() -> None:
    weak = generate_private_key(65537, 1024)  # noqa: S505 - what must not be taken
    others: tuple[dict[str, object], ...] = (
              {"kty": "RSA"}, rsa_jwk(weak), rsa_jwk(RSA, use="enc"), rsa_jwk(RSA, alg="RS512"), {"kty": "EC"},
              {"kty": "AKP"}, {}, rsa_jwk(RSA, key_ops=["encrypt"]), rsa_jwk(RSA, kid=5),
              {**rsa_jwk(RSA), "e": "AQ"}, {**rsa_jwk(RSA), "n": "="})  # fmt: skip
    found = keys_of(*others, ed_jwk(ED, kid="e"))
    assert [(key.algorithm, key.id) for key in found] == [("EdDSA", "e")]
    for bad in (
        b"[]", b"{}", b'{"keys":[]}', b'{"keys":{}}', b'{"keys":["x"]}', b'{"keys":[],"keys":[]}', b"\xff",
        json.dumps({"keys": [{"kty": "oct", "k": "AAAA"}, ed_jwk(ED)]}).encode(),
        json.dumps({"keys": [ed_jwk(ED, d="AAAA")]}).encode(),
        json.dumps({"keys": [ed_jwk(ED, kid="x"), ec_jwk(EC, kid="x")]}).encode(),
        json.dumps({"keys": list(others)}).encode(),
        json.dumps({"keys": [ed_jwk(ED)] * 101}).encode(),
    ):  # fmt: skip
        with pytest.raises(Malformed):
            jws.key_set(bad)
    assert not jose.verifies("RS256", ED.public.key, b"x", b"y")
    assert not jose.verifies("RS256", keys_of(rsa_jwk(RSA))[0].key, b"x" * 256, b"y")


def test_an_identity_is_issuer_and_subject_and_nothing_else() -> None:
    one = idtoken.identity_of(issuer="https://a.example", subject="b")
    assert one == idtoken.identity_of(issuer="https://a.example", subject="b")
    assert one != idtoken.identity_of(issuer="https://a.exampl", subject="eb")
    assert one != idtoken.identity_of(issuer="https://b.example", subject="b")
