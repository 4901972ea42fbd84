"""Tokens that services sign: what a good one says, and every lie refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.unit.formats.tokens import LIES, Claims, Signer, claims, es256, shifted

from tigertally.crypto.errors import BadKey, SignatureInvalid
from tigertally.formats import assertion, jws
from tigertally.formats.errors import Malformed

NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
US: Final = "pty_us"
SIGNER: Final = Signer()
OTHER: Final = es256()


@pytest.mark.parametrize(("lie", "where"), LIES, ids=[f"{where}:{json.dumps(lie)[:30]}" for lie, where in LIES])
def test_a_lie_is_refused_by_name(lie: Claims, where: str) -> None:
    signer, service = SIGNER, "svc_us"
    good = claims(service, US, NOW)
    with pytest.raises(Malformed) as caught:
        assertion.read(
            signer.token(shifted(good, lie, NOW)),
            service=service,
            audience=US,
            keys=[signer.public],
            now=NOW,
        )
    assert caught.value.details["where"] == where
    for name in good:
        missing = {key: value for key, value in good.items() if key != name}
        with pytest.raises(Malformed):
            assertion.read(signer.token(missing), service=service, audience=US, keys=[signer.public], now=NOW)


def segment(data: bytes) -> bytes:
    return jws.to_b64url(data).encode()


def spelled(token: bytes, at: int, change: Callable[[bytes], bytes]) -> bytes:
    parts = token.split(b".")
    parts[at] = change(parts[at])
    return b".".join(parts)


def test_a_token_of_another_form_header_or_key_is_refused() -> None:
    good = claims("svc_us", US, NOW)
    token = SIGNER.token(good)

    def told(given: bytes, *keys: Signer) -> str:
        with pytest.raises((Malformed, SignatureInvalid)) as caught:
            assertion.read(
                given, service="svc_us", audience=US, keys=[key.public for key in keys or (SIGNER,)], now=NOW
            )
        return str(caught.value.details.get("where", "signature"))

    unsigned = jws.to_b64url(b'{"alg":"none"}').encode() + b"." + token.split(b".")[1]
    assert told(unsigned + b".") == "base64url"
    assert told(unsigned + b"." + token.split(b".")[2]) == "alg"
    for name in ("HS256", "RS256", "ES384", "eddsa", "none", "ES256"):
        assert told(SIGNER.token(good, {"alg": name})) == "alg"
    assert told(SIGNER.token(good, {"alg": ["EdDSA"]})) == "header"
    assert told(SIGNER.token(good, {})) == "header"
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": jws.to_b64url(SIGNER.public.key)}
    for extra in (
        {"jwk": jwk},
        {"jku": "https://keys.invalid"},
        {"x5u": "x"},
        {"crit": ["exp"]},
        {"b64": False},
        {"zip": "DEF"},
    ):
        assert told(SIGNER.token(good, {"alg": "EdDSA", **extra})) == "header"
    assert told(SIGNER.token(good, {"alg": "EdDSA", "typ": "at+jwt"})) == "header"
    assert told(SIGNER.token(good, {"alg": "EdDSA", "kid": "x"})) == "kid"
    assert told(token, OTHER) == "alg"
    assert told(token, Signer()) == "signature"
    assert told(spelled(token, 1, lambda _: segment(json.dumps({**good, "act": "0" * 64}).encode()))) == "signature"
    assert told(spelled(token, 2, lambda part: part[:-6])) == "signature"
    assert told(spelled(token, 2, lambda part: part + b"A")) in ("base64url", "signature")
    assert told(spelled(token, 2, lambda part: part + b"=")) == "base64url"
    assert told(token + b"\n") == "base64url"
    odd = {b"A": b"B", b"Q": b"R", b"g": b"h", b"w": b"x"}  # the last character of 64 bytes has four bits to spare
    assert told(spelled(token, 2, lambda part: part[:-1] + odd[part[-1:]])) == "base64url"
    assert told(token + b".x") == "form"
    assert told(b"") == "form"
    assert told(b"." * 20_000) == "form"
    twice = b'{"alg":"EdDSA","alg":"none"}'
    assert told(spelled(token, 0, lambda _: segment(twice))) == "JSON"
    for bad in (b"[]", b"{", b'{"alg":NaN}', b"\xff", b"[" * 5_000):
        assert told(spelled(token, 0, partial(lambda bad, _: segment(bad), bad))) == "JSON"
    both = assertion.read(
        SIGNER.token(good, {"alg": "EdDSA", "typ": "JWT", "kid": SIGNER.public.id}),
        service="svc_us",
        audience=US,
        keys=[OTHER.public, SIGNER.public],
        now=NOW,
    )
    assert both.key == SIGNER.public.id


def test_keys_are_public_and_of_two_kinds() -> None:
    point = OTHER.public.key
    ec = {"kty": "EC", "crv": "P-256", "x": jws.to_b64url(point[1:33]), "y": jws.to_b64url(point[33:])}
    okp = {"kty": "OKP", "crv": "Ed25519", "x": jws.to_b64url(SIGNER.public.key)}
    assert jws.public_key(json.dumps(ec).encode()) == OTHER.public
    assert jws.public_key(json.dumps({**okp, "alg": "EdDSA", "use": "sig", "kid": "mine"}).encode()) == SIGNER.public
    # RFC 8037, appendix A.3
    rfc = b'{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'
    assert jws.public_key(rfc).id == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    wrong: tuple[dict[str, str], ...] = (
        {**okp, "d": "x"}, {**okp, "alg": "ES256"}, {**okp, "use": "enc"}, {**okp, "crv": "X25519"},
        {**okp, "x": "AAAA"}, {**ec, "y": ec["x"]}, {**ec, "crv": "P-384"}, {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA", "n": "AAAA", "e": "AQAB"}, {},
    )  # fmt: skip
    for jwk in wrong:
        with pytest.raises(Malformed):
            jws.public_key(json.dumps(jwk).encode())
    strange = (
        generate_private_key(SECP384R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    for pem in (strange, b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
        with pytest.raises(BadKey):
            jws.public_key(pem)
