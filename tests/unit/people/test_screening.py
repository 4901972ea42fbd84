"""Screening, pledge and freeze: by whom, for how long, and what the ledger keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.people.conftest import Office

from tigertally.access import PERSON_PLEDGED
from tigertally.access.errors import NoSuchPerson, SamePerson
from tigertally.base.ids import new_id
from tigertally.ledger import facts, fsck
from tigertally.people import (
    AlreadyFrozen,
    FreezeReason,
    NotFrozen,
    PledgeChanged,
    Screening,
    attest,
    current_pledge,
    freeze,
    pledges,
    sign_pledge,
    stale,
    unfreeze,
    withdraw_stale,
)
from tigertally.people.events import SCREENING_ATTESTED


def test_a_pass_holds_for_a_year(office: Office) -> None:
    with office.tx() as tx:
        entry = attest(tx, office.ledger, subject=office.wang, by=office.li, outcome=Screening.PASS, now=office.now)
    fact = office.current("people.screened", office.wang)
    assert fact is not None
    assert (fact.entry, fact.value) == (entry, {"by": office.li, "outcome": "pass"})
    office.clock.set_to(office.now + timedelta(days=365))
    assert office.current("people.screened", office.wang) is None


def test_a_fail_ends_an_earlier_pass_and_states_nothing(office: Office) -> None:
    for outcome in (Screening.PASS, Screening.FAIL):
        with office.tx() as tx:
            attest(tx, office.ledger, subject=office.wang, by=office.li, outcome=outcome, now=office.now)
    assert office.current("people.screened", office.wang) is None


def test_nobody_screens_themselves(office: Office) -> None:
    for subject, by in ((office.wang, office.wang), (office.wang, "")):
        with pytest.raises(SamePerson), office.tx() as tx:
            attest(tx, office.ledger, subject=subject, by=by, outcome=Screening.PASS, now=office.now)


def test_the_outcome_does_not_leave_in_an_export(office: Office) -> None:
    with office.tx() as tx:
        index = attest(tx, office.ledger, subject=office.wang, by=office.li, outcome=Screening.FAIL, now=office.now)
        payload = office.ledger.payload_of(tx, index)
    assert payload == {"person": office.wang, "by": office.li, "outcome": "fail"}
    assert not SCREENING_ATTESTED.public


def test_a_pledge_is_bound_to_the_text(office: Office) -> None:
    pledge = current_pledge()
    for digest in ("", "0" * 64, pledge.digest.upper(), pledge.digest[:-1]):
        with pytest.raises(PledgeChanged), office.tx() as tx:
            sign_pledge(tx, office.ledger, person=office.wang, digest=digest, now=office.now)
    with office.tx() as tx:
        sign_pledge(tx, office.ledger, person=office.wang, digest=pledge.digest, now=office.now)
    fact = office.current("people.pledged", office.wang)
    assert fact is not None
    assert fact.value == {"text_digest": pledge.digest, "version": pledge.version}
    assert fact.until == office.now + timedelta(days=365)


def test_signing_again_replaces(office: Office) -> None:
    for _ in range(2):
        with office.tx() as tx:
            sign_pledge(tx, office.ledger, person=office.wang, digest=current_pledge().digest, now=office.now)
    with office.store.reading() as tx:
        found = facts.read(tx, kinds=[PERSON_PLEDGED.name], subjects=[office.wang])
    assert [fact.withdrawn for fact in found] == [True, False]


def test_one_word_more_and_every_signature_is_stale(office: Office) -> None:
    changed = pledges.parse('version = 2\n[text]\nzh = "新承诺"\nen = "another pledge"\n')
    reworded = pledges.parse('version = 1\n[text]\nzh = "新承诺"\nen = "another pledge"\n')
    for person in (office.wang, office.li):
        with office.tx() as tx:
            sign_pledge(tx, office.ledger, person=person, digest=current_pledge().digest, now=office.now)
    fact = office.current("people.pledged", office.wang)
    assert fact is not None
    assert not stale(fact)
    assert stale(fact, pledge=changed)
    assert stale(fact, pledge=reworded)
    with office.tx() as tx:
        assert withdraw_stale(tx, office.ledger, now=office.now) == 0
        assert withdraw_stale(tx, office.ledger, now=office.now, pledge=changed) == 2
        assert withdraw_stale(tx, office.ledger, now=office.now, pledge=changed) == 0
    assert office.current("people.pledged", office.wang) is None


def test_the_pledge_reads_in_both_languages() -> None:
    pledge = current_pledge()
    assert "保密承诺书" in pledge.text.zh
    assert "pledge" in pledge.text.en
    assert len(pledge.text.zh.splitlines()) == len(pledge.text.en.splitlines())


def test_freezing_takes_two_and_unfreezing_too(office: Office) -> None:
    with pytest.raises(SamePerson), office.tx() as tx:
        freeze(tx, office.ledger, subject=office.wang, by=office.wang, reason=FreezeReason.ANOMALY, now=office.now)
    with office.tx() as tx:
        freeze(tx, office.ledger, subject=office.wang, by=office.li, reason=FreezeReason.ANOMALY, now=office.now)
    fact = office.current("people.frozen", office.wang)
    assert fact is not None
    assert (fact.value, fact.until) == ({"reason": "anomaly"}, None)
    with pytest.raises(AlreadyFrozen), office.tx() as tx:
        freeze(tx, office.ledger, subject=office.wang, by=office.zhao, reason=FreezeReason.LEAVING, now=office.now)
    with pytest.raises(SamePerson), office.tx() as tx:
        unfreeze(tx, office.ledger, subject=office.wang, by=office.wang, now=office.now)
    with office.tx() as tx:
        unfreeze(tx, office.ledger, subject=office.wang, by=office.zhao, now=office.now)
    assert office.current("people.frozen", office.wang) is None
    with pytest.raises(NotFrozen), office.tx() as tx:
        unfreeze(tx, office.ledger, subject=office.wang, by=office.zhao, now=office.now)
    with office.store.reading() as tx:
        assert fsck.check(tx, office.ledger).clean


def test_strangers_are_missing(office: Office) -> None:
    stranger = new_id("per")
    with office.tx() as tx:
        with pytest.raises(NoSuchPerson):
            attest(tx, office.ledger, subject=stranger, by=office.li, outcome=Screening.PASS, now=office.now)
        with pytest.raises(NoSuchPerson):
            sign_pledge(tx, office.ledger, person=stranger, digest=current_pledge().digest, now=office.now)
        with pytest.raises(NoSuchPerson):
            freeze(tx, office.ledger, subject=stranger, by=office.li, reason=FreezeReason.LEAVING, now=office.now)
