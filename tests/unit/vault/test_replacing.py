"""One value in place of another: the new one is found, the old one and its token are no more."""

from __future__ import annotations

import time

import pytest
from tests.unit.vault.conftest import MASTERCARD, SCOPE, UNIONPAY_19, VISA, Vault, on_sqlite

from tigertally.access import Action, Decision
from tigertally.base.fields import FieldClass
from tigertally.base.ids import SubjectId
from tigertally.base.secret import SecretText
from tigertally.crypto.kdf import Argon2Cost
from tigertally.vault import (
    NoSuchSubject,
    NoSuchToken,
    SadRefused,
    SameValue,
    SeveralValues,
    TooManyTries,
    ValueNotAccepted,
    begin_guess,
    check,
    counts,
    end_guess,
    find,
    guessing,
    hash_kinds,
    hashes_of,
    holds_still,
    replace_value,
    resolve,
    upgrade,
    view,
)
from tigertally.vault.rows import sql as sql_rows

MD5 = "5f4dcc3b5aa765d61d8327deb882cf99"  # of "password"
CHEAP = Argon2Cost(memory_kib=19_456, passes=2, lanes=1)
MAY = Decision(action=Action.PASSWORD_VERIFY, allowed=True, unmet=(), facts=(3,))


@pytest.fixture
def held(vault: Vault) -> Vault:
    """Two customers who share a card; one has a name, a telephone number in an odd spelling, and a hash."""
    vault.seal(
        ["c1", "c2"],
        (FieldClass.PAN, [VISA, VISA]),
        (FieldClass.NAME, ["Nobody Atall", None]),
        (FieldClass.MOBILE, ["+86 138-0013-8000", "13800138001"]),
        (FieldClass.PASSWORD_HASH, [MD5, None]),
    )
    return vault


def _whose(vault: Vault, cls: FieldClass, value: str) -> list[SubjectId]:
    with vault.store.reading() as tx:
        return find(tx, vault.keys, cls=cls, value=value)


def _replace(vault: Vault, subject: SubjectId, cls: FieldClass, value: str, slot: int | None = None) -> tuple[int, int]:
    keys = vault.keys
    with vault.store.transaction() as tx:
        return replace_value(tx, keys, subject=subject, cls=cls, slot=slot, value=SecretText(value), now=vault.now)


def _token(vault: Vault, subject: SubjectId, cls: FieldClass) -> str:
    with vault.store.reading() as tx:
        (record,) = view(tx, vault.keys, whom=subject)
    return next(one.token for one in record.fields if one.cls is cls)


def test_a_new_value_takes_the_place_and_the_old_one_is_no_more(held: Vault) -> None:
    (one,) = _whose(held, FieldClass.MOBILE, "13800138000")
    old = _token(held, one, FieldClass.MOBILE)
    with held.store.reading() as tx:
        before = counts(tx, scope=SCOPE)
    assert _replace(held, one, FieldClass.MOBILE, "13900139000") == (0, 2)
    assert _whose(held, FieldClass.MOBILE, "13800138000") == []
    assert _whose(held, FieldClass.MOBILE, "+86 138-0013-8000") == []
    assert _whose(held, FieldClass.MOBILE, "13900139000") == [one]
    with held.store.reading() as tx:
        assert counts(tx, scope=SCOPE) == before
        with pytest.raises(NoSuchToken):
            resolve(tx, scope=SCOPE, token=old)
        (record,) = view(tx, held.keys, whom=one)
    assert [(field.cls, field.slot) for field in record.fields] == [
        (FieldClass.PAN, 0),
        (FieldClass.MOBILE, 0),
        (FieldClass.NAME, 0),
        (FieldClass.PASSWORD_HASH, 0),
    ]
    assert _replace(held, one, FieldClass.MOBILE, "13700137000") == (0, 3)


def test_a_card_that_another_customer_holds_keeps_its_token(held: Vault) -> None:
    one, two = _whose(held, FieldClass.PAN, VISA)
    token = _token(held, one, FieldClass.PAN)
    _replace(held, one, FieldClass.PAN, MASTERCARD)
    assert _whose(held, FieldClass.PAN, VISA) == [two]
    assert _token(held, two, FieldClass.PAN) == token
    assert _token(held, one, FieldClass.PAN)[-4:] == MASTERCARD[-4:]
    _replace(held, two, FieldClass.PAN, UNIONPAY_19)
    assert _whose(held, FieldClass.PAN, VISA) == []
    held.seal(["c3"], (FieldClass.PAN, [VISA]))
    (three,) = _whose(held, FieldClass.PAN, VISA)
    assert _token(held, three, FieldClass.PAN) != token  # the old one is dead


@on_sqlite
def test_one_of_several_is_meant_by_its_slot(held: Vault) -> None:
    held.seal(["c1"], (FieldClass.PAN, [MASTERCARD]))
    (one,) = _whose(held, FieldClass.PAN, MASTERCARD)
    with pytest.raises(SeveralValues):
        _replace(held, one, FieldClass.PAN, UNIONPAY_19)
    with pytest.raises(NoSuchSubject):
        _replace(held, one, FieldClass.PAN, UNIONPAY_19, slot=9)
    assert _replace(held, one, FieldClass.PAN, UNIONPAY_19, slot=0)[0] == 0
    assert len(_whose(held, FieldClass.PAN, VISA)) == 1
    assert _whose(held, FieldClass.PAN, MASTERCARD) == [one]


@on_sqlite
def test_what_is_refused_changes_nothing(held: Vault) -> None:
    (one,) = _whose(held, FieldClass.MOBILE, "13800138000")
    for cls, value, problem in (
        (FieldClass.NAME, "Nobody Atall", SameValue),
        (FieldClass.EMAIL, "nobody@example.com", NoSuchSubject),
        (FieldClass.PAN, "4111111111111112", ValueNotAccepted),
        (FieldClass.CVV, "123", SadRefused),
    ):
        with pytest.raises(problem):
            _replace(held, one, cls, value)
    with pytest.raises(NoSuchSubject):
        _replace(held, SubjectId("sub_00000000000000000000000000"), FieldClass.NAME, "X")
    with held.store.reading() as tx:
        (row,) = sql_rows.subjects_after(tx, scope=SCOPE, after=-1, limit=1)
        assert sql_rows.version_of(tx, scope=SCOPE, number=row[0]) == 1


@on_sqlite
def test_a_weak_hash_that_fits_is_gone_afterwards(held: Vault) -> None:
    (one,) = _whose(held, FieldClass.PASSWORD_HASH, MD5)
    keys = held.keys
    with held.store.reading() as tx:
        hashes = hashes_of(tx, keys, decision=MAY, whom=one)
        assert [(kind.algorithm, count) for kind, count in hash_kinds(tx, keys).items()] == [("md5", 1)]
    wrong = check(hashes, SecretText("Password"), cost=CHEAP)
    assert (wrong.fits, wrong.new) == (None, None)
    right = check(hashes, SecretText("password"), cost=CHEAP)
    with held.store.transaction() as tx:
        assert not holds_still(tx, keys, hashes=hashes, checked=wrong)
        assert holds_still(tx, keys, hashes=hashes, checked=right)
        assert upgrade(tx, keys, hashes=hashes, checked=right, now=held.now) == (0, 2)
        assert not holds_still(tx, keys, hashes=hashes, checked=right)
    assert _whose(held, FieldClass.PASSWORD_HASH, MD5) == []
    with held.store.reading() as tx:
        again = hashes_of(tx, keys, decision=MAY, whom=one)
        (record,) = view(tx, keys, whom=one)
    assert record.fields[-1].masked == "argon2id m=19456,t=2,p=1"
    told = check(again, SecretText("password"), cost=CHEAP)
    assert (told.fits is not None, told.new) == (True, None)
    assert check(again, SecretText("other"), cost=CHEAP).fits is None


@on_sqlite
def test_nobody_is_checked_like_somebody(held: Vault) -> None:
    """Each check does one Argon2id, whoever is asked about: nobody, somebody, or a token of two."""
    (one,) = _whose(held, FieldClass.PASSWORD_HASH, MD5)
    shared = _token(held, one, FieldClass.PAN)
    spent: list[float] = []
    for whom in (one, "sub_00000000000000000000000000", "tok_00000000000000000000000000", "7000000000000000", shared):
        with held.store.reading() as tx:
            hashes = hashes_of(tx, held.keys, decision=MAY, whom=whom)
        begun = time.process_time()
        assert check(hashes, SecretText("wrong"), cost=CHEAP).fits is None
        spent.append(time.process_time() - begun)
    assert min(spent) > max(spent) / 5, spent


def test_tries_wait_longer_each_time_and_lock_for_a_day(held: Vault) -> None:
    tried = 0

    def try_now() -> bool:
        with held.store.transaction() as tx:
            begin_guess(tx, who="w", now=held.now)
        return True

    for wait in (0, 0, 0, 30, 60, 120, 240, 480, 960, 1920):
        if wait:
            held.clock.advance(wait - 1)
            with pytest.raises(TooManyTries):
                try_now()
            held.clock.advance(1)
        tried += try_now()
    assert tried == guessing.TRIES_MAX
    held.clock.advance(guessing.LOCK_S - 1)
    with pytest.raises(TooManyTries):
        try_now()
    held.clock.advance(1)
    assert try_now()
    with held.store.transaction() as tx:
        end_guess(tx, who="w")
        for _ in range(3):
            begin_guess(tx, who="w", now=held.now)
