"""Passkeys: registered and shown by an authenticator in software; every lie of its is refused."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from tests.stories.authenticator import UP, UV, Authenticator, url

from tigertally.access import Action, Actor, passkeys, sessions
from tigertally.access.errors import NoPasskeyChallenge
from tigertally.access.passkeys import ASKED_S, CREATE, GET
from tigertally.crypto.errors import SignatureInvalid
from tigertally.formats.errors import Malformed
from tigertally.formats.webauthn import Credential, host_of

from .conftest import Office

ORIGIN: Final = "https://tally.example"


def ask(office: Office, use: str, *, act: str = "", origin: str = ORIGIN) -> dict[str, Any]:
    with office.writing() as tx:
        person = office.id("li")
        made = passkeys.ask(tx, office.ledger, person=person, origin=origin, use=use, act=act, now=office.now)
    return {"challenge": url(made.challenge)}


def add(office: Office, answer: bytes) -> Credential:
    with office.writing() as tx:
        return passkeys.add(tx, office.ledger, person=office.id("li"), answer=answer, now=office.now)


def check(office: Office, answer: bytes) -> str:
    with office.writing() as tx:
        return passkeys.check(tx, office.ledger, person=office.id("li"), answer=answer, now=office.now)


@pytest.mark.parametrize("algorithm", [-7, -8])
@pytest.mark.parametrize("counts", [True, False])
def test_a_passkey_is_registered_and_shown_again_and_again(office: Office, algorithm: int, *, counts: bool) -> None:
    device = Authenticator(origin=ORIGIN, algorithm=algorithm, counts=counts)
    add(office, device.create(ask(office, CREATE)))
    for act in ("", "ab" * 32, ""):
        assert check(office, device.get(ask(office, GET, act=act))) == act
    assert office.clean()


def test_it_is_a_strong_factor_for_the_act_that_was_asked(office: Office) -> None:
    device = Authenticator(origin=ORIGIN)
    token = office.login("li")
    add(office, device.create(ask(office, CREATE)))
    answer = device.get(ask(office, GET, act="ab" * 32))
    with office.writing() as tx:
        shown = sessions.show_passkey(tx, office.ledger, token=token, handle="li", answer=answer, now=office.now)
    assert (shown.factor_kind, shown.factor_act) == ("webauthn", "ab" * 32)
    again = office.resume("li", token)
    actor = Actor(person=again.person, factor_at=again.factor_at, factor_kind=again.factor_kind, factor_act="ab" * 32)
    with office.reading() as tx:
        request = office.access.request(tx, actor=actor, action=Action.VIEW, now=office.now)
    assert request.factor_kind == "webauthn"


def test_a_challenge_works_once_for_its_use_and_for_five_minutes(office: Office) -> None:
    device = Authenticator(origin=ORIGIN)
    with pytest.raises(NoPasskeyChallenge):
        ask(office, GET)
    options = ask(office, CREATE)
    made = device.create(options)
    with pytest.raises(NoPasskeyChallenge):
        check(office, made)
    add(office, made)
    with pytest.raises(NoPasskeyChallenge):
        add(office, made)
    options = ask(office, GET)
    answer = device.get(options)
    check(office, answer)
    with pytest.raises(NoPasskeyChallenge):
        check(office, answer)
    old = ask(office, GET)
    ask(office, GET)
    with pytest.raises(Malformed):
        check(office, device.get(old))
    late = ask(office, GET)
    office.clock.advance(ASKED_S)
    with pytest.raises(NoPasskeyChallenge):
        check(office, device.get(late))


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "https://tally.example.evil"},
        {"flags": UP},
        {"flags": UV},
        {"flags": UP | UV | 0x80},
        {"extra": {"crossOrigin": True}},
        {"extra": {"topOrigin": "https://evil.example"}},
        {"extra": {"type": "webauthn.get"}},
        {"fmt": "packed"},
        {"algorithm": -257},
        {"ident": b""},
    ],
)
def test_a_registration_that_is_not_exactly_right_is_refused(office: Office, lie: dict[str, Any]) -> None:
    device = Authenticator(**{"origin": ORIGIN, **lie})
    with pytest.raises(Malformed):
        add(office, device.create(ask(office, CREATE)))


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "https://tally.example.evil"},
        {"flags": UP},
        {"flags": 0},
        {"extra": {"crossOrigin": True}},
        {"extra": {"challenge": "AAAA"}},
        {"extra": {"type": "webauthn.create"}},
        {"ident": b"another"},
        {"count": -1},
    ],
)
def test_an_assertion_that_is_not_exactly_right_is_refused(office: Office, lie: dict[str, Any]) -> None:
    device = Authenticator(origin=ORIGIN)
    add(office, device.create(ask(office, CREATE)))
    options = ask(office, GET)
    for name, value in lie.items():
        setattr(device, name, value)
    with pytest.raises((Malformed, SignatureInvalid, NoPasskeyChallenge)):
        check(office, device.get(options))


def test_another_key_or_a_changed_byte_does_not_verify(office: Office) -> None:
    device, other = Authenticator(origin=ORIGIN), Authenticator(origin=ORIGIN)
    add(office, device.create(ask(office, CREATE)))
    other.create({"challenge": "AAAA"})
    other.ident = device.ident
    options = ask(office, GET)
    with pytest.raises(SignatureInvalid):
        check(office, other.get(options))
    whole = json.loads(device.get(options))
    for name in ("clientDataJSON", "authenticatorData", "signature"):
        broken = json.loads(json.dumps(whole))
        text = broken["response"][name]
        broken["response"][name] = text[:9] + ("A" if text[9] != "A" else "B") + text[10:]
        with pytest.raises((Malformed, SignatureInvalid)):
            check(office, json.dumps(broken).encode())
    for junk in (b"", b"[]", b"{}", b"x" * 70_000, b"[" * 9_000, b'{"type":"public-key","id":"a","rawId":"b"}'):
        with pytest.raises(Malformed):
            check(office, junk)
    check(office, json.dumps(whole).encode())


def test_a_copied_key_shows_by_its_counter(office: Office) -> None:
    device = Authenticator(origin=ORIGIN)
    add(office, device.create(ask(office, CREATE)))
    check(office, device.get(ask(office, GET)))
    device.count -= 2
    with pytest.raises(SignatureInvalid):
        check(office, device.get(ask(office, GET)))


def test_on_localhost_a_key_is_shown_at_any_port_and_answered_at_that_port_only(office: Office) -> None:
    device = Authenticator(origin="http://localhost:40001")
    add(office, device.create(ask(office, CREATE, origin=device.origin)))
    for port in (40002, 40003):
        options = ask(office, GET, origin=f"http://localhost:{port}")
        with pytest.raises(Malformed):
            check(office, device.get(options))
        device.origin = f"http://localhost:{port}"
        check(office, device.get(options))
    for other in ("https://localhost:40001", "https://localhost", ORIGIN):
        with pytest.raises(NoPasskeyChallenge):
            ask(office, GET, origin=other)
    with pytest.raises(Malformed):
        ask(office, CREATE, origin="http://localhost.example")


def test_origins_are_secure_hosts() -> None:
    assert host_of("https://tally.example:8443") == "tally.example"
    assert host_of("http://localhost:8000") == "localhost"
    for wrong in (
        "http://tally.example",
        "https://",
        "https://a/b",
        "tally.example",
        "https://a:x",
        "https://a:99999",
        "",
    ):
        with pytest.raises(Malformed):
            host_of(wrong)
