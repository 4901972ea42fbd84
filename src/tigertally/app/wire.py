"""The house: one installation's parts, opened and wired together. Nothing here decides anything.

:func:`create` makes an installation (settings, root key file, database, keys, party card, first person);
:func:`open_house` opens one. The root key stays with its keeper; the other keys are unwrapped through it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from tigertally import people, vault
from tigertally.access import PERSON_PLEDGED, Access, Person, Role, enrolment, identities
from tigertally.access.passphrases import LIST_NAME, need_good
from tigertally.app import keepers, mark, soundness
from tigertally.app import settings as settings_room
from tigertally.app.errors import InstallationExists, NotReadable
from tigertally.app.keeping import PASSPHRASE_FILE, ROOT_NAME, KeeperKind, Keeping
from tigertally.app.settings import CARD_NAME, SESSIONS_NAME, SETTINGS_NAME, Settings, write_whole
from tigertally.base.clock import Clock, SystemClock
from tigertally.base.errors import Problem
from tigertally.base.ids import PartyId, new_id
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.base.text import Text
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.kdf import DEFAULT_COST, Argon2Cost
from tigertally.crypto.sign import SigningKey
from tigertally.formats import party as party_format
from tigertally.formats import statement as dsse
from tigertally.formats.party import PartyCard
from tigertally.formats.statement import Statement
from tigertally.ledger import Event, Ledger, facts, register_event
from tigertally.ledger.entries import origin_of
from tigertally.store import Store, open_store
from tigertally.vault import KeyKeeper

INSTALLED = register_event(
    "app.installation.created", Text("创建安装实例", "the installation was created"), "party", "fingerprint"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """An open installation."""

    settings: Settings
    store: Store
    clock: Clock
    keeper: KeyKeeper
    ledger: Ledger
    access: Access
    signing: SigningKey
    transfer: TransferKey
    card: PartyCard
    card_statement: Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A new installation's first facts: our card, the first person's TOTP secret and recovery codes, shown once."""

    card: PartyCard
    lead: Person
    totp: SecretBytes
    recovery: tuple[SecretText, ...]


def need_room(home: Path) -> None:
    """Raise ``InstallationExists`` if ``home`` holds an installation."""
    if (home / SETTINGS_NAME).exists() or (home / ROOT_NAME).exists():
        raise InstallationExists(home=home)


def create(
    home: Path,
    *,
    name: str,
    database: str,
    root_passphrase: SecretText,
    lead_handle: str,
    lead_passphrase: SecretText,
    clock: Clock,
    cost: Argon2Cost = DEFAULT_COST,
    keeping: Keeping = PASSPHRASE_FILE,
) -> Created:
    """Make an installation in ``home``. A failure leaves nothing behind that a second try would stumble on.

    ``root_passphrase`` is what opens the keeper that ``keeping`` names: a passphrase, a token, an access key.
    """
    if keeping.kind is KeeperKind.PASSPHRASE:
        need_good(root_passphrase, names=(name,), breached=home / LIST_NAME)
    need_room(home)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = Settings(home=home, party=PartyId(new_id("pty")), name=name, database=database, keeper=keeping)
    try:
        keeper = keepers.new_keeper(home, keeping, unlock=root_passphrase, now=clock.now, cost=cost)
        created = _fill(settings, keeper, lead_handle, lead_passphrase, clock, cost)
        settings.save()
    except BaseException:
        _undo(home, settings)
        raise
    return created


def _fill(
    settings: Settings,
    keeper: KeyKeeper,
    lead_handle: str,
    lead_passphrase: SecretText,
    clock: Clock,
    cost: Argon2Cost,
) -> Created:
    listed = settings.home / LIST_NAME
    phc = identities.hash_new(lead_passphrase, cost=cost, names=(lead_handle, settings.name), breached=listed)
    now = clock.now()
    with open_store(settings.store_url) as store:
        store.migrate()
        with store.transaction() as tx:
            vault.state_custody(tx, keeper, settings_digest=settings.keeper.digest, now=now)
            vault.create_installation_keys(tx, keeper, now=now)
            ledger = Ledger(vault.ledger_keys(tx, keeper, origin=origin_of(settings.party)))
            signing = vault.signing_key(tx, keeper)
            card = PartyCard(
                party=settings.party,
                name=settings.name,
                signing=signing.public,
                transfer=vault.transfer_key(tx, keeper).public,
                log=ledger.keys.verifier,
                created=now,
            )
            payload = {"party": card.party, "fingerprint": card.fingerprint()}
            ledger.append(tx, Event(kind=INSTALLED, payload=payload), now=now)
            soundness.state_checked(tx, ledger, size=1, now=now)  # what there is was written just now
            lead, secret = identities.add(
                tx,
                ledger,
                vault.access_cipher(tx, keeper),
                handle=lead_handle,
                roles={Role.LEAD},
                phc=phc,
                actor="",
                now=now,
            )
            recovery = enrolment.new_recovery(tx, ledger, person=lead.person, now=now)
        with store.reading() as tx:
            mark.advance(tx, ledger, settings.home)
    (settings.home / SESSIONS_NAME).mkdir(mode=0o700, exist_ok=True)
    write_whole(settings.home / CARD_NAME, card.sign(signing).to_bytes(), mode=0o644)
    return Created(card=card, lead=lead, totp=secret, recovery=recovery)


def _undo(home: Path, settings: Settings) -> None:
    for name in (settings.keeper.file, CARD_NAME, SETTINGS_NAME, mark.MARK_NAME):
        (home / name).unlink(missing_ok=True)
    shutil.rmtree(home / SESSIONS_NAME, ignore_errors=True)
    if settings.database == settings_room.DATABASE_DEFAULT:
        for suffix in ("", "-wal", "-shm"):
            (home / f"tigertally.db{suffix}").unlink(missing_ok=True)


def migrate(home: Path, *, root_passphrase: SecretText) -> tuple[str | None, str]:
    """Bring the installation's database to this program's schema; return the versions before and after.

    Asks for the root key although it needs none: who upgrades an installation is who may open it. One transaction;
    a failure changes nothing. Raises ``SchemaNewer``.
    """
    settings = settings_room.load(home)
    keepers.open_keeper(home, settings.keeper, unlock=root_passphrase, now=SystemClock().now).close()
    with open_store(settings.store_url) as store:
        return store.schema_version(), store.migrate()


def settled(home: Path) -> Settings:
    """Return the settings; if custody moved and the file was not yet told, tell it first."""
    settings = settings_room.load(home)
    if settings.keeper_next is None:
        return settings
    with open_store(settings.store_url) as store, store.reading() as tx:
        kept = vault.custody(tx)
    if kept is None or kept.keeper != settings.keeper_next.digest:
        return settings
    settings = replace(settings, keeper=settings.keeper_next, keeper_next=None)
    settings.save()
    return settings


@contextmanager
def open_house(home: Path, *, root_passphrase: SecretText, clock: Clock, examining: bool = False) -> Iterator[House]:
    """Open the installation in ``home``; close store and keeper at the end.

    A ledger that went back behind what this folder has seen raises ``LedgerRolledBack``, unless ``examining`` it.
    """
    settings = settled(home)
    keeper = keepers.open_keeper(home, settings.keeper, unlock=root_passphrase, now=clock.now)
    with house_with(settings, keeper=keeper, clock=clock, examining=examining) as house:
        yield house


@contextmanager
def house_with(settings: Settings, *, keeper: KeyKeeper, clock: Clock, examining: bool = False) -> Iterator[House]:
    """Open an installation whose keeper is open; close store and keeper at the end. See :func:`open_house`."""
    try:
        with open_store(settings.store_url) as store:
            house = house_of(settings, store=store, keeper=keeper, clock=clock)
            if examining:
                yield house
                return
            _hold_to_mark(house)
            _drop_stale_pledges(house)
            try:
                yield house
            finally:
                _advance_mark(house)
    finally:
        keeper.close()


def house_of(settings: Settings, *, store: Store, keeper: KeyKeeper, clock: Clock) -> House:
    """Return the house over an open store and keeper. Every kind of entry and fact is known from then on."""
    import_module("tigertally.app.kinds")  # by name: its rooms import this one
    with store.reading() as tx:
        ledger = Ledger(vault.ledger_keys(tx, keeper, origin=origin_of(settings.party)))
        cipher = vault.access_cipher(tx, keeper)
        signing = vault.signing_key(tx, keeper)
        transfer = vault.transfer_key(tx, keeper)
    statement = _card(settings.home / CARD_NAME)
    return House(
        settings=settings,
        store=store,
        clock=clock,
        keeper=keeper,
        ledger=ledger,
        access=Access(ledger=ledger, cipher=cipher),
        signing=signing,
        transfer=transfer,
        card=party_format.read(statement),
        card_statement=statement,
    )


def _hold_to_mark(house: House) -> None:
    seen = mark.read(house.settings.home)
    with house.store.reading() as tx:
        if seen is not None:
            mark.hold(tx, house.ledger, seen)
            return
        size = house.ledger.head(tx).size
    with house.store.transaction() as tx:
        event = Event(kind=mark.OPENED_WITHOUT, payload={"size": size})
        house.ledger.append(tx, event, now=house.clock.now())


def _advance_mark(house: House) -> None:
    with suppress(Problem), house.store.reading() as tx:
        mark.advance(tx, house.ledger, house.settings.home)


def _drop_stale_pledges(house: House) -> None:
    """Withdraw pledges to a text that is no longer the shipped one: whoever made them has to sign again."""
    with house.store.reading() as tx:
        pledged = facts.read(tx, ledger=house.ledger, kinds=[PERSON_PLEDGED.name])
    if any(not fact.withdrawn and people.stale(fact) for fact in pledged):
        with house.store.transaction() as tx:
            people.withdraw_stale(tx, house.ledger, now=house.clock.now())


def _card(path: Path) -> Statement:
    try:
        return dsse.parse(path.read_bytes())
    except OSError as error:
        raise NotReadable(path=path, reason=type(error).__name__) from None
