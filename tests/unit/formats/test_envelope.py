"""Envelopes: layout, several recipients, bound to their place."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from tests.vectors import world

from tigertally.base import canon
from tigertally.crypto import stream
from tigertally.crypto.digest import sha256
from tigertally.crypto.errors import DecryptionFailed
from tigertally.formats.envelope import HEADER_BYTES_MAX, MAGIC, open_stream, read_header, seal
from tigertally.formats.errors import Malformed, NotForUs, WrongContext

BUYER, SELLER, STRANGER = world.buyer().transfer, world.seller().transfer, world.stranger().transfer


def sealed(*keys: object, context: str = "here", plain: bytes = b"content") -> bytes:
    publics = [key.public for key in keys or (BUYER,)]  # type: ignore[attr-defined]
    return b"".join(seal(publics, context=context, plaintext=[plain]))


def opened(data: bytes, key: object = BUYER, context: str = "here") -> bytes:
    return b"".join(open_stream(key, context=context, read=io.BytesIO(data).read))  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [0, 1, 16_384, 50_000])
def test_there_and_back(length: int) -> None:
    assert opened(sealed(plain=bytes(length))) == bytes(length)


def test_layout_is_the_documented_one() -> None:
    data = sealed()
    length = int.from_bytes(data[len(MAGIC) : len(MAGIC) + 4], "big")
    start = len(MAGIC) + 4
    header = canon.loads(data[start : start + length])
    assert isinstance(header, dict)
    assert (header["suite"], header["context"]) == ("intl-1", "here")
    recipients = header["recipients"]
    assert isinstance(recipients, list)
    assert [set(item) for item in recipients if isinstance(item, dict)] == [{"key", "sealed"}]
    found = read_header(io.BytesIO(data).read)
    assert found.to_bytes() == data[: start + length]
    # the content by hand: key by HPKE under the purpose, then the stream under the header's digest
    key = BUYER.open(found.recipients[0][1], info=b"tigertally/v1/envelope\x00here")
    body = io.BytesIO(data[start + length :])
    context = sha256(data[: start + length])
    assert b"".join(stream.decrypt_chunks(key, context=context, read=body.read)) == b"content"


def test_every_recipient_opens_and_nobody_else() -> None:
    data = sealed(BUYER, SELLER)
    assert opened(data, BUYER) == opened(data, SELLER) == b"content"
    with pytest.raises(NotForUs):
        opened(data, STRANGER)
    keys = [key for key, _ in read_header(io.BytesIO(data).read).recipients]
    assert keys == sorted({BUYER.public.key_id, SELLER.public.key_id})


def test_it_opens_in_its_place_only() -> None:
    with pytest.raises(WrongContext):
        opened(sealed(), context="there")


def test_a_header_cannot_be_put_on_another_content() -> None:
    one, two = sealed(plain=b"one"), sealed(plain=b"two")
    head = len(read_header(io.BytesIO(one).read).to_bytes())
    with pytest.raises(DecryptionFailed):
        opened(one[:head] + two[head:])


def test_a_flaw_is_told_at_once_where_it_can_be() -> None:
    for data in (
        b"",
        MAGIC,
        MAGIC + b"\xff\xff\xff\xff",
        b"x" * 100,
        MAGIC + (HEADER_BYTES_MAX + 1).to_bytes(4, "big"),
    ):
        with pytest.raises(Malformed):
            open_stream(BUYER, context="here", read=io.BytesIO(data).read)


def test_sealing_to_nobody_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="somebody"):
        list(seal([], context="here", plaintext=[]))


def test_content_streams_both_ways() -> None:
    """A gigabyte would do as well: nothing is held but a chunk."""
    made = 0

    def pieces() -> Iterator[bytes]:
        nonlocal made
        for _ in range(64):
            made += 1
            yield bytes(16_384)

    out = seal([BUYER.public], context="here", plaintext=pieces())
    for _ in range(4):
        next(out)
    assert made < 6
