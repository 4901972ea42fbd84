"""What is sealed or signed by one key: key files, envelopes, sealed values and keys, streams."""

from __future__ import annotations

from tests.vectors import world
from tests.vectors.book import Vectors

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto import aead, stream
from tigertally.crypto.kdf import Argon2Cost
from tigertally.crypto.suites import Suite
from tigertally.formats import keyfile
from tigertally.formats.shape import to_b64

CHEAP = Argon2Cost(memory_kib=19_456, passes=2, lanes=1)
PASSPHRASE = SecretText("obviously fictional passphrase")
AAD = b"scope|subject|field"
STREAM_KEY = SecretBytes(world.seed("stream key", 32))
FIELD_KEY = SecretBytes(world.seed("field key", 32))
SM4_KEY = SecretBytes(world.seed("sm4 key", 16))
INFO = b"tigertally/v1/vector"


def keyfiles(vectors: Vectors) -> None:
    secret = SecretBytes(world.seed("kept", 64))
    good = vectors.base(
        "keyfile/signing.json",
        lambda: keyfile.seal(secret, purpose="signing", passphrase=PASSPHRASE, cost=CHEAP).to_bytes(),
    )
    value = canon.loads(good)
    assert isinstance(value, dict)
    kdf = value["kdf"]
    assert isinstance(kdf, dict)
    add = vectors.derived
    wrong, malformed = "formats.wrong_passphrase", "formats.malformed"
    add(
        "keyfile/purpose-edited.json",
        canon.dumps({**value, "purpose": "vault"}),
        expect=wrong,
        why="offered as another key",
    )
    add(
        "keyfile/cost-edited.json",
        canon.dumps({**value, "kdf": {**kdf, "passes": 3}}),
        expect=wrong,
        why="cost is bound",
    )
    add(
        "keyfile/salt-edited.json",
        canon.dumps({**value, "kdf": {**kdf, "salt": to_b64(bytes(16))}}),
        expect=wrong,
        why="salt is bound",
    )
    add(
        "keyfile/sealed-edited.json",
        canon.dumps({**value, "sealed": to_b64(bytes(94))}),
        expect=wrong,
        why="not sealed by this code",
    )
    add(
        "keyfile/cost-too-low.json",
        canon.dumps({**value, "kdf": {**kdf, "memory_kib": 8}}),
        expect=malformed,
        why="a file must not talk the reader into weak stretching",
    )
    add(
        "keyfile/cost-too-high.json",
        canon.dumps({**value, "kdf": {**kdf, "memory_kib": 2**31}}),
        expect=malformed,
        why="a file must not exhaust the machine",
    )
    add(
        "keyfile/other-kdf.json",
        canon.dumps({**value, "kdf": {**kdf, "name": "pbkdf2"}}),
        expect=malformed,
        why="one KDF only",
    )
    add(
        "keyfile/salt-short.json",
        canon.dumps({**value, "kdf": {**kdf, "salt": to_b64(bytes(8))}}),
        expect=malformed,
        why="16 bytes",
    )
    add("keyfile/member-added.json", canon.dumps({**value, "hint": "my dog"}), expect=malformed, why="unknown member")
    add(
        "keyfile/other-format.json",
        canon.dumps({**value, "format": "tigertally-keyfile-v2"}),
        expect=malformed,
        why="not this format",
    )
    add("keyfile/newline-at-end.json", good + b"\n", expect=malformed, why="somebody's editor saved it")


def envelopes(vectors: Vectors) -> None:
    content = world.seed("content", 20_000)
    good = vectors.base("envelope/two-chunks.env", lambda: world.seal_part(content, number=0))
    head = len(b"tigertally-envelope-v1\n") + 4
    body = head + int.from_bytes(good[head - 4 : head], "big")
    add = vectors.derived
    failed, malformed = "crypto.decryption_failed", "formats.malformed"
    add("envelope/content-edited.env", _flipped(good, body + 100), expect=failed, why="one bit of the first chunk")
    add(
        "envelope/second-chunk-edited.env",
        _flipped(good, len(good) - 20),
        expect=failed,
        why="one bit of the last chunk",
    )
    add("envelope/last-chunk-cut.env", good[: body + 56 + 16_400], expect=failed, why="ends on a chunk's boundary")
    add("envelope/cut-inside-chunk.env", good[:-1], expect=failed, why="one byte short")
    add("envelope/extended.env", good + b"\x00", expect=failed, why="one byte more")
    add("envelope/content-missing.env", good[:body], expect=failed, why="a header and nothing else")
    add(
        "envelope/commitment-edited.env",
        _flipped(good, body + 30),
        expect=failed,
        why="the key commitment must fit first",
    )
    add("envelope/salt-edited.env", _flipped(good, body), expect=failed, why="another salt derives another key")
    add(
        "envelope/header-length-edited.env",
        good[: head - 4] + b"\x00\xff\xff\xff" + good[head:],
        expect=malformed,
        why="longer than allowed",
    )
    add("envelope/header-cut.env", good[: head + 10], expect=malformed, why="the header ends early")
    add(
        "envelope/magic-edited.env",
        b"tigertally-envelope-v2\n" + good[head - 4 :],
        expect=malformed,
        why="not this format",
    )
    header = canon.loads(good[head:body])
    assert isinstance(header, dict)

    def headed(**changes: Json) -> bytes:
        text = canon.dumps({**header, **changes})
        return good[: head - 4] + len(text).to_bytes(4, "big") + text + good[body:]

    add(
        "envelope/context-edited.env",
        headed(context="bundle|other|part-00000.env"),
        expect="formats.wrong_context",
        why="moved to another bundle",
    )
    add("envelope/no-recipients.env", headed(recipients=[]), expect=malformed, why="sealed to nobody")
    add("envelope/other-suite.env", headed(suite="guomi-1"), expect=malformed, why="a suite this code does not know")
    recipients = header["recipients"]
    assert isinstance(recipients, list)
    only = recipients[0]
    assert isinstance(only, dict)
    add(
        "envelope/other-recipient.env",
        headed(recipients=[{**only, "key": "0" * 64}]),
        expect="formats.not_for_us",
        why="the recipient's key id was replaced",
    )
    second: Json = {"key": "f" * 64, "sealed": only["sealed"]}
    add(
        "envelope/recipient-added.env",
        headed(recipients=[only, second]),
        expect=failed,
        why="a header with one more reader is another header",
    )


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def sealed_values(vectors: Vectors) -> None:
    cipher = aead.Cipher(FIELD_KEY)
    add = vectors.derived
    failed, suite = "crypto.decryption_failed", "crypto.unknown_suite"
    good = vectors.base("aead/value.bin", lambda: cipher.seal(b"6222 0000 0000 0000", AAD))
    wrapped = vectors.base("aead/wrapped-key.bin", lambda: cipher.wrap(SecretBytes(world.seed("inner", 32)), AAD))
    for name, data in (("value", good), ("wrapped-key", wrapped)):
        add(f"aead/{name}-tag-edited.bin", _flipped(data, len(data) - 1), expect=failed, why="one bit of the tag")
        add(f"aead/{name}-nonce-edited.bin", _flipped(data, 2), expect=failed, why="one bit of the nonce")
        add(f"aead/{name}-text-edited.bin", _flipped(data, 14), expect=failed, why="one bit of the content")
        add(f"aead/{name}-suite-edited.bin", data[:1] + b"\x02" + data[2:], expect=suite, why="the suite is bound")
        add(f"aead/{name}-cut.bin", data[:-1], expect=failed, why="one byte short")
        add(f"aead/{name}-extended.bin", data + b"\x00", expect=failed, why="one byte more")
    add("aead/value-as-wrapped-key.bin", good, expect=failed, why="a sealed value is no wrapped key")
    add("aead/value-empty.bin", b"", expect=failed, why="no bytes")
    guomi = aead.Cipher(SM4_KEY, Suite.GUOMI_1)
    good = vectors.base("aead/guomi-value.bin", lambda: guomi.seal(b"6222 0000 0000 0000", AAD))
    wrapped = vectors.base("aead/guomi-wrapped-key.bin", lambda: guomi.wrap(SecretBytes(world.seed("inner", 32)), AAD))
    for name, data in (("guomi-value", good), ("guomi-wrapped-key", wrapped)):
        add(f"aead/{name}-tag-edited.bin", _flipped(data, len(data) - 1), expect=failed, why="one bit of the tag")
        add(f"aead/{name}-text-edited.bin", _flipped(data, 14), expect=failed, why="one bit of the content")
        add(f"aead/{name}-suite-edited.bin", data[:1] + b"\x01" + data[2:], expect=suite, why="the suite is bound")
        add(f"aead/{name}-cut.bin", data[:-1], expect=failed, why="one byte short")
    public = world.buyer().transfer.public
    sealed = vectors.base("hpke/key.bin", lambda: public.seal(world.seed("inner", 32), info=INFO))
    add("hpke/key-text-edited.bin", _flipped(sealed, len(sealed) - 20), expect=failed, why="one bit of the content")
    add("hpke/key-lattice-edited.bin", _flipped(sealed, 10), expect=failed, why="one bit of the ML-KEM ciphertext")
    add("hpke/key-curve-edited.bin", _flipped(sealed, 2 + 1088), expect=failed, why="one bit of the X25519 share")
    add(
        "hpke/key-curve-zero.bin",
        sealed[: 2 + 1088] + bytes(32) + sealed[2 + 1120 :],
        expect=failed,
        why="a point of small order",
    )
    add("hpke/key-suite-edited.bin", b"\x01\x02" + sealed[2:], expect=suite, why="the suite is bound")
    add("hpke/key-cut.bin", sealed[:1122], expect=failed, why="no ciphertext after the encapsulated key")


def streams(vectors: Vectors) -> None:
    """Deterministic: the private helper takes the salt that the public function draws."""
    for name, length in (("empty", 0), ("short", 11), ("exactly-one-chunk", 16_384)):
        data = b"".join(
            stream._encrypt(  # noqa: SLF001 - see above
                STREAM_KEY,
                context=b"vector",
                plaintext=[world.seed("plain", length)],
                salt=world.seed("salt " + name, 24),
            )
        )
        vectors.derived(f"stream/{name}.bin", data, expect="accept", why=f"{length} bytes of plaintext")
        if name == "exactly-one-chunk":
            vectors.derived(
                "stream/full-last-chunk.bin",
                data[:-16],
                expect="crypto.decryption_failed",
                why="a full last chunk is a truncation",
            )
            vectors.derived(
                "stream/chunk-twice.bin",
                data[:56] + data[56 : 56 + 16_400] * 2 + data[-16:],
                expect="crypto.decryption_failed",
                why="a chunk repeated",
            )
