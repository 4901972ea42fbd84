"""Laws of chunked encryption: any split of the plaintext gives the same stream, and only the whole stream opens."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tigertally.base.secret import SecretBytes
from tigertally.crypto import stream
from tigertally.crypto.errors import DecryptionFailed

KEY = SecretBytes(bytes(range(32)))
CHUNK = stream.CHUNK_BYTES
EDGES = st.sampled_from([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 7])
LENGTHS = EDGES | st.integers(0, 3 * CHUNK)


def sealed(plain: bytes) -> bytes:
    return b"".join(stream.encrypt_chunks(KEY, context=b"law", plaintext=[plain]))


def opened(data: bytes, *, context: bytes = b"law") -> bytes:
    return b"".join(stream.decrypt_chunks(KEY, context=context, read=io.BytesIO(data).read))


def plain_of(length: int) -> bytes:
    return (b"0123456789abcdef" * (length // 16 + 1))[:length]


@given(LENGTHS)
@settings(max_examples=40)
def test_it_opens_and_is_as_long_as_told(length: int) -> None:
    data = sealed(plain_of(length))
    assert opened(data) == plain_of(length)
    assert len(data) == stream.encrypted_length(length)


@given(LENGTHS, st.lists(st.integers(0, 3 * CHUNK), max_size=5))
@settings(max_examples=40)
def test_the_pieces_do_not_show(length: int, cuts: list[int]) -> None:
    plain = plain_of(length)
    edges = [0, *sorted(min(cut, length) for cut in cuts), length]
    pieces = [plain[start:stop] for start, stop in pairwise(edges)]
    whole = b"".join(stream._encrypt(KEY, context=b"law", plaintext=[plain], salt=bytes(24)))  # noqa: SLF001
    split = b"".join(stream._encrypt(KEY, context=b"law", plaintext=pieces, salt=bytes(24)))  # noqa: SLF001
    assert whole == split


@given(LENGTHS, st.data())
@settings(max_examples=60)
def test_no_other_stream_opens(length: int, draw: st.DataObject) -> None:
    data = sealed(plain_of(length))
    at = draw.draw(st.integers(0, len(data) - 1))
    kind = draw.draw(st.sampled_from(("flip", "cut", "more")))
    if kind == "flip":
        changed = data[:at] + bytes([data[at] ^ draw.draw(st.integers(1, 255))]) + data[at + 1 :]
    else:
        changed = data[:at] if kind == "cut" else data + draw.draw(st.binary(min_size=1, max_size=40))
    with pytest.raises(DecryptionFailed):
        opened(changed)


def test_chunks_cannot_be_moved_left_out_or_repeated() -> None:
    data = sealed(plain_of(3 * CHUNK))
    head, size = 56, CHUNK + 16
    chunks = [data[head + at * size : head + (at + 1) * size] for at in range(3)]
    tail = data[head + 3 * size :]
    for order in ((1, 0, 2), (0, 2), (0, 0, 1, 2), (0, 1), (2,), ()):
        with pytest.raises(DecryptionFailed):
            opened(data[:head] + b"".join(chunks[at] for at in order) + tail)


@pytest.mark.parametrize("chunks", [1, 2])
def test_a_stream_that_ends_with_a_full_chunk_is_truncated(chunks: int) -> None:
    data = sealed(plain_of(2 * CHUNK))
    with pytest.raises(DecryptionFailed):
        opened(data[: 56 + chunks * (CHUNK + 16)])


def test_another_context_or_key_does_not_open() -> None:
    data = sealed(b"content")
    with pytest.raises(DecryptionFailed):
        opened(data, context=b"other")
    with pytest.raises(DecryptionFailed):
        list(stream.decrypt_chunks(SecretBytes(bytes(32)), context=b"law", read=io.BytesIO(data).read))


def test_salts_are_fresh() -> None:
    assert len({sealed(b"same") for _ in range(50)}) == 50
