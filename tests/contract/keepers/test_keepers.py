"""One suite for every keeper of a root key, each fault on each keeper that can suffer it.

Keepers on a network are asked at counterparts that are processes of their own, written from the public API
documentation (a real Vault, OpenBao or AWS was not tried: docs/OPERATE.md).
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import boto3
import pytest
from tests.contract.keepers import kms_server
from tests.contract.keepers.stands import (
    FAULTS,
    PIN,
    STANDS,
    TIMEOUT_S,
    Stand,
    certificate,
    new_token,
    running,
    softhsm,
)

from tigertally.base.clock import SystemClock
from tigertally.base.errors import Problem
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.base.text import Lang
from tigertally.crypto.errors import DecryptionFailed
from tigertally.vault import (
    BadKeeper,
    KeeperDenies,
    KeeperKeyUnusable,
    KeeperNotBelieved,
    KeeperUnavailable,
    KeyKeeper,
    KmsKeeper,
    Pkcs11Keeper,
    TransitKeeper,
)

KEY = bytes(range(32, 64))
LONG = bytes(range(96))


@pytest.fixture(params=STANDS)
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    """Each keeper in turn."""
    with STANDS[request.param](tmp_path) as made:
        opened: list[KeyKeeper] = []
        made.make, made.stranger = kept(made.make, opened), kept(made.stranger, opened)
        yield made
        for keeper in opened:
            keeper.close()


def kept(make: Callable[[], KeyKeeper], opened: list[KeyKeeper]) -> Callable[[], KeyKeeper]:
    """The same, with what it makes remembered."""

    def made() -> KeyKeeper:
        opened.append(make())
        return opened[-1]

    return made


def test_what_it_wraps_it_unwraps_also_when_opened_anew(stand: Stand) -> None:
    keeper = stand.make()
    for key in (KEY, LONG):
        wrapped = keeper.wrap(SecretBytes(key), b"place")
        assert key not in wrapped
        assert wrapped != keeper.wrap(SecretBytes(key), b"place")
        assert keeper.unwrap(wrapped, b"place") == SecretBytes(key)
        again = stand.make()
        assert again.key_id == keeper.key_id
        assert again.unwrap(wrapped, b"place") == SecretBytes(key)


def test_another_place_opens_nothing(stand: Stand) -> None:
    keeper = stand.make()
    wrapped = keeper.wrap(SecretBytes(KEY), b"place")
    with pytest.raises(DecryptionFailed):
        keeper.unwrap(wrapped, b"elsewhere")


def test_another_root_key_opens_nothing(stand: Stand) -> None:
    keeper, stranger = stand.make(), stand.stranger()
    assert keeper.key_id != stranger.key_id
    with pytest.raises(DecryptionFailed):
        stranger.unwrap(keeper.wrap(SecretBytes(KEY), b"place"), b"place")


def test_no_byte_can_be_changed_cut_or_added(stand: Stand) -> None:
    keeper = stand.make()
    wrapped = keeper.wrap(SecretBytes(KEY), b"place")
    places = sorted({0, 1, 2, 3, 19, 20, 51, 52, 60, len(wrapped) - 1} & set(range(len(wrapped))))
    flawed = [wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :] for at in places]
    for bad in [*flawed, wrapped[:-1], wrapped + b"\x00", wrapped[:40], b""]:
        with pytest.raises(Problem) as told:
            keeper.unwrap(bad, b"place")
        assert told.value.code in ("crypto.decryption_failed", "crypto.unknown_suite", "vault.keeper_key_unusable"), bad


def test_once_closed_it_is_gone(stand: Stand) -> None:
    keeper = stand.make()
    wrapped = keeper.wrap(SecretBytes(KEY), b"")
    keeper.close()
    with pytest.raises(KeeperUnavailable):
        keeper.unwrap(wrapped, b"")
    with pytest.raises(KeeperUnavailable):
        keeper.wrap(SecretBytes(KEY), b"")


def test_a_rotated_root_key_goes_on_opening(stand: Stand) -> None:
    if stand.rotate is None:
        pytest.skip(f"{stand.name} has no versions of its root key: custody is moved instead")
    keeper = stand.make()
    before = keeper.wrap(SecretBytes(KEY), b"place")
    stand.rotate()
    after = keeper.wrap(SecretBytes(KEY), b"place")
    assert keeper.unwrap(before, b"place") == keeper.unwrap(after, b"place") == SecretBytes(KEY)


def test_each_fault_can_be_made_or_has_a_reason(stand: Stand) -> None:
    assert set(stand.faults) | set(stand.cannot) == set(FAULTS)
    assert not set(stand.faults) & set(stand.cannot)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_mid_job_is_named_loses_nothing_and_tells_no_secret(stand: Stand, name: str) -> None:
    if name in stand.cannot:
        pytest.skip(stand.cannot[name])
    fault = stand.faults[name]
    keeper = stand.make()
    wrapped = keeper.wrap(SecretBytes(KEY), b"place")
    fault.strike()
    with pytest.raises(fault.says) as told:
        (stand.make() if fault.reopen else keeper).unwrap(wrapped, b"place")
    said = "".join(traceback.format_exception(told.value))
    problem = told.value
    assert isinstance(problem, Problem)
    said += "".join(problem.say(lang) + problem.advise(lang) for lang in Lang) + repr(problem.details)
    assert stand.secret not in said
    assert KEY.hex() not in said
    if fault.mends and not fault.reopen:
        stand.mend()
        assert keeper.unwrap(wrapped, b"place") == SecretBytes(KEY)


@pytest.mark.parametrize("name", ["slow", "drop", "sealed", "credential_withdrawn", "key_disabled", "lies_short"])
def test_nothing_is_wrapped_either_while_it_lasts(stand: Stand, name: str) -> None:
    if name in stand.cannot:
        pytest.skip(stand.cannot[name])
    keeper = stand.make()
    stand.faults[name].strike()
    with pytest.raises(Problem):
        keeper.wrap(SecretBytes(KEY), b"place")


def test_a_keeper_is_not_told_what_a_key_is_for(stand: Stand) -> None:
    stand.make().wrap(SecretBytes(KEY), b"vault_key|key_01|vault|cn-retail|1|2026")
    assert "cn-retail" not in stand.heard()


def test_a_keeper_says_nothing_of_itself(stand: Stand) -> None:
    assert stand.secret not in repr(stand.make())


@pytest.mark.parametrize(
    ("lie", "problem"),
    [("exportable", KeeperKeyUnusable), ("type", KeeperKeyUnusable), ("lie", KeeperNotBelieved), ("", None)],
)
def test_a_transit_key_that_can_be_taken_out_is_refused(lie: str, problem: type[Problem] | None) -> None:
    how = {"exportable": True, "type": "rsa-4096", "lie": "key_name"}
    with running("transit_server") as server:
        address = f"http://127.0.0.1:{server.port}"
        with closing(TransitKeeper(address, key="root", token=SecretText("invented-token"))) as keeper:
            if problem is None:
                keeper.check()
                return
            server.set(**{lie: how[lie]})
            with pytest.raises(problem):
                keeper.check()


def test_transit_speaks_tls_and_only_to_who_it_knows(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    with running("transit_server", "--cert", str(cert), "--key", str(key)) as server:
        address = f"https://127.0.0.1:{server.port}"
        token = "invented-token"
        with closing(TransitKeeper(address, key="root", token=SecretText(token), ca=cert)) as keeper:
            assert keeper.unwrap(keeper.wrap(SecretBytes(KEY), b""), b"") == SecretBytes(KEY)
        for stranger in (
            TransitKeeper(address, key="root", token=SecretText(token), timeout_s=TIMEOUT_S * 4),
            TransitKeeper(
                address.replace("127.0.0.1", "localhost"), key="root", token=SecretText(token), ca=cert, timeout_s=2
            ),
        ):
            with pytest.raises(KeeperUnavailable) as told:
                stranger.wrap(SecretBytes(KEY), b"")
            assert told.value.details["reason"] == "tls"


@pytest.mark.parametrize(
    "address",
    [
        "http://vault.example:8200",
        "http://127.0.0.1.example",
        "ftp://127.0.0.1",
        "https://user:word@vault.example",
        "https://vault.example/path",
        "https://vault.example?x=1",
        "https://vault.example:notaport",
        "https://",
        "vault.example",
    ],
)
def test_an_address_without_tls_or_with_anything_more_is_refused(address: str) -> None:
    with pytest.raises(BadKeeper):
        TransitKeeper(address, key="root", token=SecretText("t"))


@pytest.mark.parametrize("name", ["", "a/b", "../sys", "a?b", "a b", "键", "x" * 65, ".."])
def test_a_key_has_a_plain_name(name: str) -> None:
    with pytest.raises(BadKeeper):
        TransitKeeper("https://vault.example", key=name, token=SecretText("t"))


def test_a_credential_that_would_break_a_header_is_not_sent() -> None:
    keeper = TransitKeeper("https://vault.invalid", key="root", token=SecretText("a\r\nX-Other: b"))
    with pytest.raises(Problem) as told:
        keeper.wrap(SecretBytes(KEY), b"")
    assert told.value.details["reason"] == "credential_malformed"


def a_kms(address: str, key: str = kms_server.ROOT, secret: str = "", ca: Path | None = None) -> KmsKeeper:
    secret = secret or f"{kms_server.ACCESS}:{kms_server.SECRET}"
    now = SystemClock().now
    return KmsKeeper(
        region=kms_server.REGION, key=key, secret=SecretText(secret), now=now, address=address, ca=ca, timeout_s=2
    )


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ({"disabled": True}, KeeperKeyUnusable),
        ({"pending": True}, KeeperKeyUnusable),
        ({"spec": "RSA_4096"}, KeeperKeyUnusable),
        ({"lie": "key_name"}, KeeperNotBelieved),
        ({}, None),
    ],
)
def test_a_kms_key_that_does_not_wrap_is_refused(how: dict[str, object], problem: type[Problem] | None) -> None:
    with running("kms_server") as server, closing(a_kms(f"http://127.0.0.1:{server.port}")) as keeper:
        server.set(**how)
        if problem is None:
            keeper.check()
            return
        with pytest.raises(problem):
            keeper.check()


def test_a_kms_key_by_its_id_is_the_one_by_its_arn(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    with running("kms_server", "--cert", str(cert), "--key", str(key)) as server:
        address = f"https://127.0.0.1:{server.port}"
        with (
            closing(a_kms(address, ca=cert)) as long,
            closing(a_kms(address, kms_server.ROOT.rpartition("/")[2], ca=cert)) as short,
        ):
            assert long.key_id == short.key_id
            assert short.unwrap(long.wrap(SecretBytes(KEY), b"x"), b"x") == SecretBytes(KEY)


@pytest.mark.parametrize("key", ["alias/root", "arn:aws:s3:::bucket", "", "a b", f"{kms_server.ROOT}\n"])
def test_a_kms_key_has_no_alias(key: str) -> None:
    with pytest.raises(BadKeeper):
        a_kms("https://kms.invalid", key)


@pytest.mark.parametrize("secret", ["only-a-key", "AKIAINVENTED:", "AKIA INVENTED:invented/word", "AKIAINVENTED:a\nb"])
def test_kms_credentials_have_a_form(secret: str) -> None:
    with pytest.raises(KeeperDenies):
        a_kms("https://kms.invalid", secret=secret)


def test_a_kms_of_others_understands_us() -> None:
    port = free_port()
    words = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until_open(port)
            client = boto3.client(
                "kms",
                endpoint_url=f"http://127.0.0.1:{port}",
                region_name=kms_server.REGION,
                aws_access_key_id=kms_server.ACCESS,
                aws_secret_access_key=kms_server.SECRET,
            )
            arn = client.create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
            with closing(a_kms(f"http://127.0.0.1:{port}", arn)) as keeper:
                keeper.check()
                wrapped = keeper.wrap(SecretBytes(KEY), b"place")
                assert keeper.unwrap(wrapped, b"place") == SecretBytes(KEY)
                with pytest.raises(DecryptionFailed):
                    keeper.unwrap(wrapped, b"elsewhere")
            client.close()
        finally:
            process.terminate()


def until_open(port: int) -> None:
    for _ in range(300):
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), timeout=1)):
            return
        time.sleep(0.1)
    pytest.fail("the server did not start")


def free_port() -> int:
    with closing(socket.socket()) as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def test_a_token_gives_its_key_to_nobody_or_is_refused(tmp_path: Path) -> None:
    module = softhsm()
    label = tmp_path.name[-20:]
    new_token(label)
    import pkcs11  # noqa: PLC0415 - an extra

    with pkcs11.lib(str(module)).get_token(token_label=label).open(user_pin=PIN, rw=True) as session:
        open_one = {pkcs11.Attribute.EXTRACTABLE: True, pkcs11.Attribute.SENSITIVE: False}
        session.generate_key(pkcs11.KeyType.AES, 256, label="loose", store=True, template=open_one)
        session.generate_key(pkcs11.KeyType.AES, 128, label="short", store=True)
        for _ in range(2):
            session.generate_key(pkcs11.KeyType.AES, 256, label="twice", store=True)
    for key, reason in (
        ("loose", "key_can_be_exported"),
        ("short", "key_type"),
        ("twice", "key_ambiguous"),
        ("none", "no_such_key"),
    ):
        with pytest.raises(KeeperKeyUnusable) as told:
            Pkcs11Keeper(module, token=label, key=key, pin=SecretText(PIN))
        assert told.value.details["reason"] == reason
    with pytest.raises(KeeperUnavailable):
        Pkcs11Keeper(module, token="no such token", key="root", pin=SecretText(PIN))
    with pytest.raises(BadKeeper):
        Pkcs11Keeper(tmp_path / "absent.so", token=label, key="root", pin=SecretText(PIN))


def test_who_comes_second_to_a_token_knows_its_pin_as_well(tmp_path: Path) -> None:
    module = softhsm()
    label = tmp_path.name[-20:]
    new_token(label)
    with closing(Pkcs11Keeper(module, token=label, key="root", pin=SecretText(PIN), making=True)) as first:
        wrapped = first.wrap(SecretBytes(KEY), b"x")
        with pytest.raises(KeeperDenies):
            Pkcs11Keeper(module, token=label, key="root", pin=SecretText("000000"))
        with closing(Pkcs11Keeper(module, token=label, key="root", pin=SecretText(PIN))) as second:
            assert second.unwrap(wrapped, b"x") == SecretBytes(KEY)
        assert first.unwrap(wrapped, b"x") == SecretBytes(KEY)
