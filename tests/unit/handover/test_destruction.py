"""Destruction: its ground, its plan, what it leaves, what its certificate says; and the unwinding of a dead deal."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.handover.scene import SCOPE, START, Office, Scene, destroy, finished, plan_of

from tigertally import handover, vault
from tigertally.base import canon
from tigertally.base.fields import FieldClass
from tigertally.formats import certificate
from tigertally.formats.certificate import Ground, Signer
from tigertally.handover import CopyKind, Fate, errors
from tigertally.ledger import facts
from tigertally.store import jobs


def register(office: Office, place: Path, *, kind: CopyKind = CopyKind.PROTECTED, fate: Fate = Fate.DELETE) -> int:
    with office.store.transaction() as tx:
        made = handover.register_copy(
            tx,
            office.ledger,
            deal=office.terms.deal,
            place=place,
            kind=kind,
            fate=fate,
            actor=office.persons[0],
            now=START,
        )
    return made.copy


def test_without_a_receipt(scene: Scene) -> None:
    scene.release()
    scene.write()
    scene.receive()
    with pytest.raises(errors.NoGround):
        plan_of(scene.seller)
    with pytest.raises(errors.NoGround):
        destroy(scene.seller, approved="ab" * 32, signers=scene.seller.signers())
    assert scene.seller.held()[0] == 40


def test_a_plan_says_what_would_go(done: Scene) -> None:
    plan = plan_of(done.seller)
    assert (plan.ground, plan.subjects, plan.scope) == (Ground.RECEIPT, 40, SCOPE)
    assert plan.values == dict.fromkeys(["expiry", "mobile", "name", "national_id", "pan"], 40)
    assert [copy.place for copy in plan.copies] == [str(done.folder)]
    assert any("backups" in text and "备份" in text for text in plan.not_covered)
    assert plan_of(done.seller).digest() == plan.digest()


def test_only_the_approved_plan(done: Scene, tmp_path: Path) -> None:
    approved = plan_of(done.seller).digest()
    register(done.seller, tmp_path / "late-copy")
    with pytest.raises(errors.PlanChanged):
        destroy(done.seller, approved=approved, signers=done.seller.signers())
    assert done.seller.held()[0] == 40


def test_two_persons_with_entries_about_them(done: Scene) -> None:
    approved = plan_of(done.seller).digest()
    first, second = done.seller.signers()
    cases: list[tuple[Signer, ...]] = [
        (),
        (first,),
        (first, replace(second, person=first.person)),
        (first, replace(second, entry=first.entry)),
        (first, replace(second, entry=10_000)),
    ]
    for signers in cases:
        with pytest.raises(errors.NotTwoPersons):
            destroy(done.seller, approved=approved, signers=signers)
    assert done.seller.held()[0] == 40


def test_copies_go_or_stay_as_decided(done: Scene, tmp_path: Path) -> None:
    folder = tmp_path / "protected"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "orders.csv").write_text("tokens only")
    outside = tmp_path / "outside.txt"
    outside.write_text("not ours")
    (folder / "link").symlink_to(outside)
    lone = tmp_path / "crm.csv"
    lone.write_text("tokens only")
    original = tmp_path / "original"
    original.mkdir()
    gone = tmp_path / "gone.csv"
    unplugged = tmp_path / "disk" / "x"
    seller = done.seller
    for place in (folder, lone, gone, unplugged):
        register(seller, place)
    kept = register(seller, original, kind=CopyKind.ORIGINAL, fate=Fate.KEEP)
    made = certificate.read(finished(seller))
    told = {Path(copy.place).name: (copy.kind, copy.method, copy.verified) for copy in made.copies}
    assert told == {
        "bundle": ("bundle", "unlinked", True),
        "protected": ("protected_copy", "overwritten once, unlinked", True),
        "crm.csv": ("protected_copy", "overwritten once, unlinked", True),
        "gone.csv": ("protected_copy", "absent", False),
        "x": ("protected_copy", "absent", False),
    }
    assert not folder.exists()
    assert not lone.exists()
    assert outside.read_text() == "not ours"
    assert original.is_dir()
    assert any("按选择保留" in text and "original (1)" in text for text in made.not_covered)
    with seller.store.reading() as tx:
        assert [
            copy.copy for copy in handover.known_copies(tx, seller.ledger, deal=seller.terms.deal) if copy.gone is None
        ] == [kept]


def test_a_file_is_overwritten_before_it_goes(done: Scene, tmp_path: Path) -> None:
    lone = tmp_path / "crm.csv"
    lone.write_text("readable")
    register(done.seller, lone)
    with lone.open("rb") as opened:
        finished(done.seller)
        assert opened.read() == bytes(8)


def test_a_file_with_another_name_outside_is_not_overwritten(done: Scene, tmp_path: Path) -> None:
    """The other name is not ours to destroy; but then the copy's destruction is not verified."""
    folder, outside = tmp_path / "estate", tmp_path / "ledger.txt"
    folder.mkdir()
    outside.write_text("not ours")
    os.link(outside, folder / "x")
    register(done.seller, folder)
    told = certificate.read(finished(done.seller)).copies[-1]
    assert outside.read_text() == "not ours"
    assert not folder.exists()
    assert (told.method, told.verified) == ("unlinked; other names of the same file are left", False)


@pytest.mark.parametrize("where", ["place", "parent"])
def test_a_link_is_refused_and_not_followed(done: Scene, tmp_path: Path, where: str) -> None:
    media, victim = tmp_path / "media", tmp_path / "victim"
    for folder in (media, victim):
        (folder / "estate").mkdir(parents=True)
        (folder / "estate" / "a").write_text("x")
    register(done.seller, media / "estate")
    approved, signers = plan_of(done.seller).digest(), done.seller.signers()
    moved = media if where == "parent" else media / "estate"

    def spoil(step: str) -> None:
        if step == "keys zeroised":
            moved.rename(tmp_path / "moved")
            moved.symlink_to(victim if where == "parent" else victim / "estate")

    with pytest.raises(errors.CopySwapped) as caught:
        destroy(done.seller, approved=approved, signers=signers, on_step=spoil)
    assert caught.value.details == {"name": "estate", "reason": "link"}
    assert (victim / "estate" / "a").read_text() == "x"
    moved.unlink()
    (tmp_path / "moved").rename(moved)
    assert certificate.read(destroy(done.seller, approved=approved, signers=signers)).copies[-1].verified
    assert not (media / "estate").exists()


def test_what_was_put_in_the_place_of_a_copy_stays(done: Scene, tmp_path: Path) -> None:
    place = tmp_path / "estate"
    place.mkdir()
    register(done.seller, place)
    approved, signers = plan_of(done.seller).digest(), done.seller.signers()

    def spoil(step: str) -> None:
        if step == "keys zeroised":
            place.rename(tmp_path / "moved")
            place.mkdir()
            (place / "precious").write_text("p")

    with pytest.raises(errors.CopySwapped) as caught:
        destroy(done.seller, approved=approved, signers=signers, on_step=spoil)
    assert caught.value.details["reason"] == "identity"
    assert (place / "precious").read_text() == "p"


def test_a_copy_that_somebody_else_took_away_is_not_verified(done: Scene, tmp_path: Path) -> None:
    place = tmp_path / "estate"
    place.mkdir()
    register(done.seller, place)
    approved, signers = plan_of(done.seller).digest(), done.seller.signers()

    def spoil(step: str) -> None:
        if step == "keys zeroised":
            place.rename(tmp_path / "moved")

    told = certificate.read(destroy(done.seller, approved=approved, signers=signers, on_step=spoil)).copies[-1]
    assert (told.method, told.verified) == ("absent", False)


def test_a_deletion_that_was_interrupted_is_ours(done: Scene, tmp_path: Path) -> None:
    place = tmp_path / "crm.csv"
    place.write_text("tokens only")
    copy = register(done.seller, place)
    approved, signers = plan_of(done.seller).digest(), done.seller.signers()
    with pytest.raises(InterruptedError):
        destroy(done.seller, approved=approved, signers=signers, on_step=stop_at(f"copy {copy} deleted"))
    assert not place.exists()
    told = certificate.read(destroy(done.seller, approved=approved, signers=signers)).copies[-1]
    assert (told.method, told.verified) == ("overwritten once, unlinked", True)


def test_nothing_in_the_home_but_bundles_is_a_copy(done: Scene, tmp_path: Path) -> None:
    from tigertally.handover.copies import need_deletable  # noqa: PLC0415 - the rule itself

    house, database = tmp_path / "house", tmp_path / "elsewhere" / "t.db"
    protected = (house, database)
    for place in (house, house / "sessions", house / "deep" / "x", tmp_path, database, database.parent):
        with pytest.raises(errors.CopyProtected):
            need_deletable(place, protected=protected)
    for name in ("t.db-wal", "t.db-shm", "t.db-journal"):
        with pytest.raises(errors.CopyProtected):
            need_deletable(database.with_name(name), protected=protected)
    need_deletable(database.with_name("other.csv"), protected=protected)
    need_deletable(house / "out", protected=protected, bundle=True)
    with pytest.raises(errors.CopyProtected):
        need_deletable(house, protected=protected, bundle=True)
    with pytest.raises(errors.CopyProtected), done.seller.store.transaction() as tx:
        handover.register_copy(
            tx,
            done.seller.ledger,
            deal=done.seller.terms.deal,
            place=house / "sessions",
            kind=CopyKind.BUNDLE,
            fate=Fate.DELETE,
            actor="",
            now=START,
            protected=protected,
        )


def test_places_that_are_never_copies(done: Scene, home: Path) -> None:
    seller = done.seller
    for place in (Path("/"), Path.home(), Path("relative"), Path("/" + "x" * 400)):
        with pytest.raises(errors.CopyProtected):
            register(seller, place)
    with pytest.raises(errors.CopyProtected), seller.store.transaction() as tx:
        handover.register_copy(
            tx,
            seller.ledger,
            deal=seller.terms.deal,
            place=home.parent,
            kind=CopyKind.OTHER,
            fate=Fate.DELETE,
            actor="",
            now=START,
            protected=[home / "seller.db"],
        )
    register(seller, home.parent)
    with pytest.raises(errors.CopyProtected):
        destroy(
            seller,
            approved=plan_of(seller).digest(),
            signers=seller.signers(),
            protected=(home / "seller.db",),
        )
    assert seller.held()[0] == 40


def test_a_fate_may_change_while_the_copy_is_there(done: Scene) -> None:
    seller = done.seller
    (bundle,) = plan_of(seller).copies
    with seller.store.transaction() as tx:
        handover.decide_copy(
            tx, seller.ledger, deal=seller.terms.deal, copy=bundle.copy, fate=Fate.KEEP, actor="", now=START
        )
    made = certificate.read(finished(seller))
    assert made.copies == ()
    assert done.folder.is_dir()
    for copy in (bundle.copy + 1, 0):
        with pytest.raises(errors.NoSuchCopy), seller.store.transaction() as tx:
            handover.decide_copy(
                tx, seller.ledger, deal=seller.terms.deal, copy=copy, fate=Fate.KEEP, actor="", now=START
            )


def test_a_key_copy_that_still_opens_stops_it(done: Scene, home: Path) -> None:
    """Somebody put a key's wrapped bytes back: the trial opens the sample, and there is no certificate."""
    from sqlalchemy import select, update  # noqa: PLC0415 - behind the vault's back

    from tigertally.vault import sql  # noqa: PLC0415

    seller = done.seller
    with seller.store.reading() as tx:
        rows = tx.all(select(sql.key.c.id, sql.key.c.wrapped).where(sql.key.c.purpose == "vault"))
        (key_id, wrapped) = rows[0]

    def put_back(step: str) -> None:
        if step == "keys zeroised":
            with seller.store.transaction() as tx:
                tx.execute(update(sql.key).where(sql.key.c.id == key_id).values(wrapped=wrapped))

    approved, signers = plan_of(seller).digest(), seller.signers()
    with pytest.raises(errors.StillOpens):
        destroy(seller, approved=approved, signers=signers, on_step=put_back)
    assert seller.events("handover.certificate.signed") == []
    with seller.store.transaction() as tx:
        tx.execute(update(sql.key).where(sql.key.c.id == key_id).values(wrapped=None))
    assert certificate.read(destroy(seller, approved=approved, signers=signers)).failed_opening
    assert home.is_dir()


def test_finished_it_gives_the_same_certificate(done: Scene) -> None:
    seller = done.seller
    approved, signers = plan_of(seller).digest(), seller.signers()
    first = destroy(seller, approved=approved, signers=signers)
    entries = seller.events()
    assert destroy(seller, approved=approved, signers=signers).to_bytes() == first.to_bytes()
    assert seller.events() == entries
    with pytest.raises(errors.PlanChanged):
        destroy(seller, approved="ab" * 32, signers=signers)
    with pytest.raises(errors.DestructionBegun):
        plan_of(seller)


def test_what_was_sealed_meanwhile_goes_too(done: Scene) -> None:
    seller, keys = done.seller, done.seller.keys()
    fields = [(FieldClass.NAME, ["王虚构"])]

    empty = []

    def seal(step: str) -> None:
        empty.append(step == "rows deleted" and seller.held() == (0, {}))
        if empty[-2:] == [True, True]:  # after the batch that found nothing left
            with seller.store.transaction() as tx:
                vault.seal_batch(tx, keys, subjects=["YS99999999"], fields=fields, now=START)

    made = certificate.read(finished(seller, seal))
    assert seller.held() == (0, {})
    assert made.rows == {"vault": 40 + 3 + 3}  # records, blocks of the index; and what came meanwhile


def test_what_is_left_in_the_file(done: Scene, home: Path) -> None:
    keys = done.seller.keys()
    with done.seller.store.reading() as tx:
        sample = vault.sample_sealed(tx, scope=keys.scope)
    assert sample is not None
    database = home / "seller.db"
    assert sample.sealed in database.read_bytes() + (home / "seller.db-wal").read_bytes()
    finished(done.seller)
    left = database.read_bytes() + (home / "seller.db-wal").read_bytes()
    assert sample.sealed not in left
    assert sample.wrapped_key not in left


def test_the_certificate_never_overstates(done: Scene) -> None:
    paper = finished(done.seller)
    assert b"unrecoverable" not in paper.payload
    assert certificate.read(paper).not_covered


def test_the_fact_of_it(done: Scene) -> None:
    paper = finished(done.seller)
    with done.seller.store.reading() as tx:
        (found,) = facts.read(tx, kinds=[handover.DESTROYED.name], subjects=[done.seller.terms.deal])
    assert found.value == {"certificate": paper.digest, "ground": "receipt", "subjects": 40}


def run_sql(office: Office, statement: str, **values: object) -> None:
    """What somebody with the database in hand could do."""
    from sqlalchemy import text  # noqa: PLC0415 - behind everybody's back

    with office.store.transaction() as tx:
        tx.execute(text(statement), values)


def stop_at(wanted: str) -> Callable[[str], None]:
    def stop(step: str) -> None:
        if step == wanted:
            raise InterruptedError

    return stop


def test_a_cursor_at_the_end_certifies_nothing(done: Scene) -> None:
    """Nothing was deleted, but the job says that everything was: no certificate, and it says what is not proved."""
    seller = done.seller
    approved, signers = plan_of(seller).digest(), seller.signers()
    with pytest.raises(InterruptedError):
        destroy(seller, approved=approved, signers=signers, on_step=stop_at("plan stored"))
    run_sql(
        seller,
        "UPDATE store_job SET cursor = :cursor WHERE kind = 'handover.destroy'",
        cursor=canon.dumps({"step": 5, "rows": 240}),
    )
    run_sql(seller, "UPDATE handover_destruction SET sample = NULL")
    with pytest.raises(errors.NotProved) as caught:
        destroy(seller, approved=approved, signers=signers)
    assert caught.value.details == {"members": "vault, rows, keys, key_entries, failed_opening, copies"}
    assert seller.held()[0] == 40
    assert seller.events("handover.certificate.signed") == []


def test_a_job_made_beforehand_skips_nothing(done: Scene) -> None:
    seller = done.seller
    with seller.store.transaction() as tx:
        job = jobs.start_or_resume(tx, key=f"handover.destroy/{seller.terms.deal}", kind="handover.destroy", now=START)
        jobs.advance(tx, job, cursor=canon.dumps({"step": 5, "rows": 240}), now=START)
    paper = certificate.read(finished(seller))
    assert (seller.held(), paper.rows, paper.failed_opening) == ((0, {}), {"vault": 43}, True)


def test_a_trial_that_never_ran_is_not_certified(done: Scene) -> None:
    seller = done.seller
    approved, signers = plan_of(seller).digest(), seller.signers()

    def spoil(step: str) -> None:
        if step == "keys zeroised":
            run_sql(seller, "UPDATE handover_destruction SET sample = NULL")

    with pytest.raises(errors.NotProved) as caught:
        destroy(seller, approved=approved, signers=signers, on_step=spoil)
    assert caught.value.details == {"members": "failed_opening"}


def test_a_key_put_back_before_certifying(done: Scene) -> None:
    seller = done.seller
    approved, signers = plan_of(seller).digest(), seller.signers()

    def spoil(step: str) -> None:
        if step == "database rewritten":
            run_sql(seller, "UPDATE vault_key SET wrapped = :some WHERE purpose = 'token'", some=b"anything")

    with pytest.raises(errors.NotProved) as caught:
        destroy(seller, approved=approved, signers=signers, on_step=spoil)
    assert caught.value.details == {"members": "keys"}


def test_a_copy_that_is_back_before_certifying(done: Scene) -> None:
    seller = done.seller
    approved, signers = plan_of(seller).digest(), seller.signers()

    def spoil(step: str) -> None:
        if step == "database rewritten":
            done.folder.mkdir()

    with pytest.raises(errors.NotProved) as caught:
        destroy(seller, approved=approved, signers=signers, on_step=spoil)
    assert caught.value.details == {"members": "copies"}
    done.folder.rmdir()
    assert certificate.read(destroy(seller, approved=approved, signers=signers)).copies[0].verified


def test_a_row_that_says_gone_is_not_believed(done: Scene, tmp_path: Path) -> None:
    """Before the plan or after it: without its entry in the ledger a copy is still there, and it goes."""
    seller = done.seller
    early, late = tmp_path / "early.csv", tmp_path / "late.csv"
    for place in (early, late):
        place.write_text("tokens only")
        register(seller, place)
    mark = "UPDATE handover_copy SET gone = registered, method = 'unlinked', verified = true WHERE place = :place"
    run_sql(seller, mark, place=str(early))
    plan = plan_of(seller)
    assert [Path(copy.place).name for copy in plan.copies] == ["bundle", "early.csv", "late.csv"]

    def spoil(step: str) -> None:
        if step == "keys zeroised":
            run_sql(seller, mark, place=str(late))

    paper = certificate.read(destroy(seller, approved=plan.digest(), signers=seller.signers(), on_step=spoil))
    assert not early.exists()
    assert not late.exists()
    assert [copy.method for copy in paper.copies] == ["unlinked", *["overwritten once, unlinked"] * 2]
