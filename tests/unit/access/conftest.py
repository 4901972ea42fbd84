"""An installation with four people who can log in, on each database in turn. The people are invented."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import Executable, Table

from tigertally.access import (
    Access,
    Action,
    Actor,
    Approval,
    Grant,
    NotAllowed,
    Person,
    Purpose,
    Request,
    Role,
    approvals,
    grants,
    identities,
    sessions,
)
from tigertally.access import facts as kinds
from tigertally.access import sql as access_sql
from tigertally.access.errors import LoginFailed
from tigertally.access.sessions import Session
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.base.ids import new_id
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto import totp
from tigertally.crypto.aead import Cipher, new_key
from tigertally.crypto.digest import KeyedDigest
from tigertally.crypto.kdf import Argon2Cost
from tigertally.crypto.sign import NoteKey
from tigertally.ledger import FactKind, Ledger, LedgerKeys, facts, fsck
from tigertally.ledger import sql as ledger_sql
from tigertally.store import Store, Tx, open_store
from tigertally.testing.clock import SettableClock

START: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
COST: Final = Argon2Cost(memory_kib=19_456, passes=2, lanes=1)
PASSPHRASE: Final = "correct horse battery"
YEAR: Final = timedelta(days=365)
ROLES: Final = {
    "wang": {Role.LEAD},
    "zhao": {Role.LEAD, Role.OFFICER},
    "li": {Role.OPERATOR},
    "sun": {Role.AUDITOR},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Everything at hand. Times stand still unless a test moves them."""

    store: Store
    access: Access
    clock: SettableClock
    people: dict[str, Person]
    codes: dict[str, SecretBytes]
    deal: str = field(default_factory=lambda: new_id("dea"))
    key: str = field(default_factory=lambda: new_id("key"))

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        return self.access.ledger

    @property
    def now(self) -> datetime:
        """The present."""
        return self.clock.now()

    @contextmanager
    def writing(self) -> Iterator[Tx]:
        """A writing transaction."""
        with self.store.transaction() as tx:
            yield tx

    @contextmanager
    def reading(self) -> Iterator[Tx]:
        """A reading transaction."""
        with self.store.reading() as tx:
            yield tx

    def id(self, handle: str) -> str:
        """A person's id."""
        return self.people[handle].person

    def code(self, handle: str, *, steps: int = 0) -> SecretText:
        """The code that ``handle``'s app shows, ``steps`` away from now."""
        return totp.code_at(self.codes[handle], self.now + timedelta(seconds=steps * totp.STEP_S))

    def login(self, handle: str, *, passphrase: str = PASSPHRASE, code: SecretText | None = None) -> SecretText:
        """Log in as ``app.verbs`` does: a failure is counted in a transaction of its own."""
        with self.reading() as tx:
            stored = identities.stored_hash(tx, handle=handle, now=self.now)
        tried = identities.try_passphrase(SecretText(passphrase), stored)
        try:
            with self.writing() as tx:
                row = identities.check_factors(
                    tx,
                    self.access.cipher,
                    handle=handle,
                    tried=tried,
                    code=self.code(handle) if code is None else code,
                    now=self.now,
                )
                if row is not None:
                    return sessions.open_session(tx, self.ledger, row=row, now=self.now)
                raise LoginFailed  # noqa: TRY301 - undoes the transaction, as in app.verbs
        except LoginFailed:
            self.count_failure(handle)
            raise

    def confirm(self, handle: str, token: SecretText, *, code: SecretText | None = None) -> Session:
        """Show the second factor again."""
        try:
            with self.writing() as tx:
                return sessions.show_factor(
                    tx,
                    self.ledger,
                    self.access.cipher,
                    token=token,
                    handle=handle,
                    code=self.code(handle) if code is None else code,
                    now=self.now,
                )
        except LoginFailed:
            self.count_failure(handle)
            raise

    def count_failure(self, handle: str) -> None:
        """Count a failed login."""
        with self.writing() as tx:
            identities.record_failure(tx, self.ledger, handle=handle, now=self.now)

    def resume(self, handle: str, token: SecretText) -> Session:
        """Resume a session."""
        with self.reading() as tx:
            return sessions.resume(tx, self.ledger, token=token, handle=handle, now=self.now)

    def actor(self, handle: str) -> Actor:
        """Somebody who showed a passkey just now."""
        return Actor(person=self.people[handle], factor_at=self.now, factor_kind="webauthn")

    def state(self, kind: FactKind, subject: str, value: dict[str, Json], *, until: datetime | None = None) -> int:
        """State a fact."""
        with self.writing() as tx:
            return facts.state(
                tx, self.ledger, kind, subject=subject, value=value, start=self.now, until=until, actor="", now=self.now
            )

    def qualify(self, handle: str) -> None:
        """Train, screen and pledge somebody; the key is in its period, the ledger checked and witnessed."""
        end = self.now + YEAR
        self.state(kinds.PERSON_TRAINED, self.id(handle), {"course": "handling", "version": 1, "score": 9}, until=end)
        self.state(kinds.PERSON_SCREENED, self.id(handle), {"by": self.id("zhao"), "outcome": "pass"}, until=end)
        self.state(kinds.PERSON_PLEDGED, self.id(handle), {"text_digest": "d", "version": 1}, until=end)
        self.state(kinds.KEY_ACTIVE, self.key, {"key": self.key, "version": 1}, until=end)
        self.state(kinds.LEDGER_CHECKED, kinds.INSTALLATION, {"size": 1}, until=end)
        self.state(
            kinds.LEDGER_WITNESSED, kinds.INSTALLATION, {"size": 1, "witnesses": ["w"], "policy": "d"}, until=end
        )

    def granted(self, *, uses: int = 3, length_s: int = 3600) -> Grant:
        """A grant for li to see cards and expiries for refunds, approved by wang."""
        with self.writing() as tx:
            asked = grants.ask(
                tx,
                self.ledger,
                asker=self.id("li"),
                classes=[FieldClass.PAN, FieldClass.EXPIRY],
                purpose=Purpose.REFUND,
                deal="",
                uses=uses,
                length_s=length_s,
                now=self.now,
            )
            return grants.approve(tx, self.ledger, grant_id=asked.grant, approver=self.id("wang"), now=self.now)

    def request(self, tx: Tx, handle: str, action: Action, **more: object) -> Request:
        """A request of somebody whose factor is fresh."""
        more = {"key": self.key, **more}
        return self.access.request(tx, actor=self.actor(handle), action=action, now=self.now, **more)  # type: ignore[arg-type]

    def reveal(self, grant: Grant, *, count: int = 1) -> None:
        """Decide and record that li sees ``count`` cards."""
        with self.writing() as tx:
            request = self.request(
                tx,
                "li",
                Action.REVEAL,
                grant=grant.grant,
                classes=[FieldClass.PAN],
                purpose=Purpose.REFUND.value,
                count=count,
            )
            self.access.decide(tx, request)

    def unmet(self, handle: str, action: Action, **more: object) -> list[str]:
        """The conditions that a request does not meet."""
        with self.reading() as tx:
            decision = self.access.judge(tx, self.request(tx, handle, action, **more))
        return [item.condition for item in decision.unmet]

    def refusal(self, grant: Grant, *, count: int = 1) -> list[str]:
        """The conditions that a reveal does not meet; it must not be allowed."""
        with pytest.raises(NotAllowed) as caught:
            self.reveal(grant, count=count)
        return [item.condition for item in caught.value.decision.unmet]

    def ask_second(self, handle: str, action: Action, **more: object) -> Approval:
        """Leave an act open for a second person."""
        with self.writing() as tx:
            return approvals.ensure_open(tx, self.ledger, self.request(tx, handle, action, **more))

    def give(self, approval: Approval, handle: str) -> Approval:
        """Be the second person."""
        with self.writing() as tx:
            return approvals.give(
                tx, self.ledger, approval_id=approval.approval, approver=self.id(handle), now=self.now
            )

    def tamper(self, *statements: Executable) -> None:
        """Change rows as somebody with the database, but without keys, would; each must hit."""
        with self.writing() as tx:
            for statement in statements:
                assert tx.execute(statement) > 0

    def clean(self) -> bool:
        """Whether fsck finds nothing."""
        with self.reading() as tx:
            return fsck.check(tx, self.ledger).clean


TABLES: Final = (
    ledger_sql.entry,
    ledger_sql.payload,
    ledger_sql.about,
    ledger_sql.head,
    ledger_sql.roll,
    ledger_sql.fact,
    access_sql.person,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hired:
    """Four people and their installation's keys, with the rows of both: made once, since passphrases are slow."""

    access: Access
    people: dict[str, Person]
    codes: dict[str, SecretBytes]
    rows: list[tuple[Table, dict[str, list[object]]]]


@pytest.fixture(scope="session")
def hired(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Hired:
    """Four people, none of them trained."""
    keys = LedgerKeys(
        pseudonym=KeyedDigest(new_key()),
        payload=Cipher(new_key()),
        note=NoteKey.generate(),
        origin="tigertally.invalid/access",
    )
    access = Access(ledger=Ledger(keys), cipher=Cipher(new_key()))
    made: dict[str, tuple[Person, SecretBytes]] = {}
    path = tmp_path_factory.mktemp("hired") / "store.db"
    shutil.copyfile(sqlite_template, path)
    with open_store(f"sqlite:///{path}") as store:
        with store.transaction() as tx:
            for handle, roles in ROLES.items():
                made[handle] = identities.add(
                    tx,
                    access.ledger,
                    access.cipher,
                    handle=handle,
                    roles=roles,
                    phc=identities.hash_new(SecretText(PASSPHRASE), cost=COST),
                    actor="",
                    now=START,
                )
        with store.reading() as tx:
            rows = []
            for table in TABLES:
                names = [column.name for column in table.columns]
                found = tx.all(table.select())
                rows.append((table, {name: [getattr(row, name) for row in found] for name in names}))
    return Hired(
        access=access,
        people={handle: person for handle, (person, _) in made.items()},
        codes={handle: secret for handle, (_, secret) in made.items()},
        rows=rows,
    )


@pytest.fixture
def office(store: Store, hired: Hired, clock: SettableClock) -> Office:
    """Their installation, on this test's database."""
    with store.transaction() as tx:
        for table, columns in hired.rows:
            names = [name for name in columns if not (table is ledger_sql.fact and name == "id")]
            tx.insert_columns(table, {name: columns[name] for name in names})
    return Office(store=store, clock=clock, access=hired.access, people=hired.people, codes=hired.codes)
