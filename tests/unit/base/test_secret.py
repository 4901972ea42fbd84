"""Secrets do not print, pickle, copy or hash, and compare without telling where they differ."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from tigertally.base.secret import SecretBytes, SecretText

CLEAR = "4111111111111111"
BOTH = [SecretBytes(CLEAR.encode()), SecretText(CLEAR)]


@pytest.mark.parametrize("secret", BOTH, ids=["bytes", "text"])
def test_it_does_not_print(secret: SecretBytes | SecretText, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("%s %r %s", secret, secret, {"key": [secret]})
    shown = [str(secret), repr(secret), f"{secret}", f"{secret!r:>40}", f"{secret:>40}", f"{[secret]}", caplog.text]
    assert not any(CLEAR in text or "411111" in text for text in shown)


@pytest.mark.parametrize("secret", BOTH, ids=["bytes", "text"])
def test_it_does_not_leave_by_a_side_door(secret: SecretBytes | SecretText) -> None:
    doors: tuple[Callable[[Any], object], ...] = (
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        hash,
        json.dumps,
        bytes,
        iter,
        vars,
        lambda item: {item},
        lambda item: {item: 1},
        lambda item: pickle.dumps([item], protocol=0),
    )
    for door in doors:
        with pytest.raises(TypeError) as caught:
            door(secret)
        assert CLEAR not in str(caught.value)


def test_a_traceback_with_locals_does_not_show_it() -> None:
    def failing(secret: SecretText) -> None:
        raise RuntimeError(str(secret))

    with pytest.raises(RuntimeError) as caught:
        failing(SecretText(CLEAR))
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "secret = <secret>" in told
    assert CLEAR not in told


@pytest.mark.parametrize("make", [lambda text: SecretBytes(text.encode()), SecretText], ids=["bytes", "text"])
def test_equality_is_by_value(make: type[SecretText]) -> None:
    assert make("a") == make("a")
    assert make("a") != make("b")
    assert make("a") != make("aa")
    assert make("a") != "a"
    assert make("") == make("")


def test_truth_and_length() -> None:
    assert SecretBytes(b"x")
    assert not SecretBytes(b"")
    assert not SecretText("")
    assert len(SecretBytes(b"abc")) == 3


def test_only_expose_gives_it() -> None:
    assert SecretBytes(b"\x00\xff").expose() == b"\x00\xff"
    assert SecretText("虎符").expose() == "虎符"


def test_the_callers_buffer_is_not_shared() -> None:
    buffer = bytearray(b"key")
    secret = SecretBytes(buffer)
    buffer[0] = 0
    assert secret.expose() == b"key"


def test_wiping_overwrites_our_copy() -> None:
    secret = SecretBytes(b"key")
    ours = secret._buffer  # noqa: SLF001 - the point is what lies there
    with secret:
        assert secret.expose() == b"key"
    assert ours == b""
    assert not secret
    assert secret.expose() == b""
