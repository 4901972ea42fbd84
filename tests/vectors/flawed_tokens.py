"""Vectors of what services sign: good tokens of both algorithms, and one file per flaw. Not a test itself."""

from __future__ import annotations

import json
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.formats.tokens import LIES, Signer, claims, shifted
from tests.vectors import world
from tests.vectors.book import Vectors

from tigertally.formats.jws import to_b64url

SERVICE: Final = world.ident("svc", "till")
AUDIENCE: Final = world.seller().id
ED: Final = Signer(Ed25519PrivateKey.from_private_bytes(world.seed("service", 32)))
EC: Final = Signer(derive_private_key(int.from_bytes(world.seed("service ec", 31)), SECP256R1()))
REFUSED: Final = "formats.malformed"
UNSIGNED: Final = "crypto.signature_invalid"


def build(vectors: Vectors) -> None:
    """Write tokens and the two public keys that they are read with."""
    good = claims(SERVICE, AUDIENCE, world.NOW)
    token = ED.token(good)
    vectors.derived("assertion/eddsa.jwt", token, expect="accept", why="Ed25519 signs the same each time")
    vectors.base("assertion/es256.jwt", lambda: EC.token(good))
    full = ED.token({**good, "act": "5a" * 32}, {"alg": "EdDSA", "typ": "JWT", "kid": ED.public.id})
    vectors.derived("assertion/act.jwt", full, expect="accept", why="all that may be there is")
    for number, (lie, where) in enumerate(LIES):
        why = f"{where}: {json.dumps(lie)}"
        vectors.derived(
            f"assertion/lie-{number:02}-{where}.jwt",
            ED.token(shifted(good, lie, world.NOW)),
            expect=REFUSED,
            why=why.replace('"', ""),
        )
    for name, header, why in (
        ("alg-none", {"alg": "none"}, "none is no algorithm"),
        ("alg-hs256", {"alg": "HS256"}, "a public key is no secret"),
        ("alg-other", {"alg": "ES256"}, "not the registered key's"),
        ("kid-other", {"alg": "EdDSA", "kid": EC.public.id}, "named key is of the other algorithm"),
        ("jwk", {"alg": "EdDSA", "jwk": {"kty": "OKP"}}, "no token brings its key"),
        ("crit", {"alg": "EdDSA", "crit": ["exp"]}, "no extensions"),
        ("typ", {"alg": "EdDSA", "typ": "at+jwt"}, "another kind of token"),
    ):
        vectors.derived(f"assertion/{name}.jwt", ED.token(good, header), expect=REFUSED, why=why)
    head, body, signature = token.split(b".")
    strange = Signer(Ed25519PrivateKey.from_private_bytes(world.seed("stranger", 32))).token(good)
    edited = to_b64url(json.dumps({**good, "act": "5a" * 32}).encode()).encode()
    twice = to_b64url(b'{"alg":"EdDSA","alg":"EdDSA"}').encode()
    for name, data, expect, why in (
        ("stranger", strange, UNSIGNED, "another key signed"),
        ("claims-edited", b".".join([head, edited, signature]), UNSIGNED, "claims of another token"),
        ("unsigned", head + b"." + body + b".", REFUSED, "no signature"),
        ("padded", token + b"==", REFUSED, "base64url has no padding here"),
        ("name-twice", b".".join([twice, body, signature]), REFUSED, "a name twice"),
        ("two-parts", head + b"." + body, REFUSED, "three parts"),
        ("newline", token + b"\n", REFUSED, "nothing but the token"),
    ):
        vectors.derived(f"assertion/{name}.jwt", data, expect=expect, why=why)
    vectors.known(
        "assertion/keys.json",
        {
            "service": SERVICE,
            "audience": AUDIENCE,
            "now": int(world.NOW.timestamp()),
            "keys": [{"pem": signer.pem.decode(), "id": signer.public.id} for signer in (ED, EC)],
        },
    )
