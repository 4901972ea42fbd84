"""Chunked encryption against an independent reading of c2sp.org/chunked-encryption, written with HMAC alone."""

from __future__ import annotations

import hashlib
import hmac
import io

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tigertally.base.secret import SecretBytes
from tigertally.crypto import stream
from tigertally.crypto.errors import BadKey, DecryptionFailed

KEY = bytes(range(32))


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-512 (RFC 5869 §2.3)."""
    made, block, counter = b"", b"", 1
    while len(made) < length:
        block = hmac.digest(key, block + info + bytes([counter]), "sha512")
        made += block
        counter += 1
    return made[:length]


def by_the_text(plain: bytes, *, salt: bytes, context: bytes) -> bytes:
    """The document's construction, step by step."""
    info = b"c2sp.org/chunked-encryption@v1+" + b"AEAD_AES_256_GCM" + b"\x00" + salt + context
    derived = expand(KEY, info, 32 + 12 + 32)
    key, base, commitment = derived[:32], derived[32:44], derived[44:]
    made = salt + commitment
    for counter in range(len(plain) // 16384 + 1):
        nonce = bytes(a ^ b for a, b in zip(base, counter.to_bytes(12, "big"), strict=True))
        made += AESGCM(key).encrypt(nonce, plain[counter * 16384 : (counter + 1) * 16384], b"")
    return made


@pytest.mark.parametrize("length", [0, 1, 16383, 16384, 16385, 40000])
def test_it_is_the_documents_construction(length: int) -> None:
    plain = hashlib.shake_256(b"plain").digest(length)
    salt = bytes(range(24))
    ours = b"".join(stream._encrypt(SecretBytes(KEY), context=b"ctx", plaintext=[plain], salt=salt))  # noqa: SLF001
    theirs = by_the_text(plain, salt=salt, context=b"ctx")
    assert ours == theirs
    opened = stream.decrypt_chunks(SecretBytes(KEY), context=b"ctx", read=io.BytesIO(theirs).read)
    assert b"".join(opened) == plain


def test_chunks_arrive_as_they_are_read() -> None:
    """Memory stays flat: no chunk waits for a later one."""
    data = by_the_text(bytes(16384 * 3 + 5), salt=bytes(24), context=b"")
    file = io.BytesIO(data)
    chunks = stream.decrypt_chunks(SecretBytes(KEY), context=b"", read=file.read)
    assert len(next(chunks)) == 16384
    assert file.tell() == 56 + 16384 + 16


def test_encrypting_waits_for_a_full_chunk_only() -> None:
    taken = []

    def pieces() -> object:
        for at in range(4):
            taken.append(at)
            yield bytes(16384)

    out = stream.encrypt_chunks(SecretBytes(KEY), context=b"", plaintext=pieces())  # type: ignore[arg-type]
    next(out)
    next(out)
    assert taken == [0]


@pytest.mark.parametrize("length", [0, 23, 24, 55, 56, 71])
def test_too_short_to_be_a_stream(length: int) -> None:
    data = by_the_text(b"", salt=bytes(24), context=b"")[:length]
    with pytest.raises(DecryptionFailed):
        list(stream.decrypt_chunks(SecretBytes(KEY), context=b"", read=io.BytesIO(data).read))


def test_keys_have_one_length() -> None:
    with pytest.raises(BadKey):
        list(stream.encrypt_chunks(SecretBytes(b"short"), context=b"", plaintext=[]))


def test_a_source_that_goes_on_after_a_short_read_is_not_believed() -> None:
    """``read`` gives fewer bytes only at the end; one that does so before must not pass for an end."""
    data = io.BytesIO(by_the_text(b"content", salt=bytes(24), context=b""))

    def read(length: int) -> bytes:
        return data.read(length) or b"m"

    with pytest.raises(DecryptionFailed):
        list(stream.decrypt_chunks(SecretBytes(KEY), context=b"", read=read))
