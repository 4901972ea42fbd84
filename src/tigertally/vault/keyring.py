"""Keys, opened and ready: what a caller holds while it works.

:class:`VaultKeys` is one scope's ring; it seals only under the active vault key and only while that key is active
in the database, within its period and its uses (:meth:`VaultKeys.spend`). The functions below it build what the
lower floors need: the ledger's keys, the access cipher, the signing and the transfer key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tigertally.crypto.aead import Cipher
from tigertally.crypto.cmac import ColumnMac
from tigertally.crypto.digest import KeyedDigest
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.sign import NoteKey, SigningKey
from tigertally.ledger import LedgerKeys
from tigertally.store.tx import Tx
from tigertally.vault import keys, scopes, sql
from tigertally.vault.cards import CardTokens
from tigertally.vault.errors import KeyNotActive, KeyNotYet, KeyOverAge, KeyWornOut, NoSuchKey
from tigertally.vault.index import Known
from tigertally.vault.keys import PERIOD_S_MAX, USES_MAX, KeyInfo, KeyPurpose, KeyState
from tigertally.vault.ports import KeyKeeper

_DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class VaultKeys:
    """A scope's keys. ``ciphers`` has every vault key that is not destroyed, by version.

    ``cards`` makes card tokens where the scope computes them; None where they are random.
    ``known`` is what bulk work has read of the scope's index: pseudonyms only, held to the store at every use.
    """

    scope: str
    active: KeyInfo
    ciphers: Mapping[int, Cipher]
    index: ColumnMac
    token: ColumnMac
    commit: ColumnMac
    cards: CardTokens | None
    period_s: int
    uses_max: int
    known: Known = field(default_factory=Known, compare=False)

    def __repr__(self) -> str:
        return f"<vault keys of {self.scope}>"

    def spend(self, tx: Tx, *, wraps: int, now: datetime) -> Cipher:
        """Count ``wraps`` uses of the active vault key in this transaction and return its cipher.

        Raises :class:`KeyOverAge`, :class:`KeyNotYet`, :class:`KeyWornOut`, :class:`KeyNotActive`.
        """
        if now < self.active.created:
            raise KeyNotYet
        if now >= self.active.seals_until(self.period_s):
            raise KeyOverAge(days=self.period_s // _DAY_S)
        if sql.count_uses(tx, self.active.key, uses=wraps, uses_max=self.uses_max) != 1:
            present = [info for info in keys.list_keys(tx, scope=self.scope) if info.key == self.active.key]
            if present and present[0].state is KeyState.ACTIVE:
                raise KeyWornOut
            raise KeyNotActive
        return self.ciphers[self.active.version]


def open_scope(
    tx: Tx, keeper: KeyKeeper, *, scope: str, period_s: int = PERIOD_S_MAX, uses_max: int = USES_MAX
) -> VaultKeys:
    """Return a scope's keys, opened. ``period_s`` is the vault key's period in seconds.

    Raises ``NoSuchKey``, ``KeyDoesNotOpen``, ``KeeperUnavailable``.
    """
    versions = keys.open_versions(tx, keeper, purpose=KeyPurpose.VAULT, scope=scope)
    active = [opened.info for opened in versions if opened.info.state is KeyState.ACTIVE]
    if len(active) != 1:
        raise NoSuchKey(purpose=KeyPurpose.VAULT)
    token = _mac(tx, keeper, KeyPurpose.TOKEN, scope)
    computed = scopes.card_kind(tx, scope=scope) is scopes.CardKind.FF1
    ring = VaultKeys(
        scope=scope,
        active=active[0],
        ciphers={opened.info.version: Cipher(opened.secret, opened.info.suite) for opened in versions},
        index=_mac(tx, keeper, KeyPurpose.INDEX, scope),
        token=token,
        cards=CardTokens(token) if computed else None,
        commit=_mac(tx, keeper, KeyPurpose.COMMIT, scope),
        period_s=period_s,
        uses_max=uses_max,
    )
    for opened in versions:
        opened.secret.wipe()
    return ring


def ledger_keys(tx: Tx, keeper: KeyKeeper, *, origin: str) -> LedgerKeys:
    """Return what the ledger needs; ``origin`` names the log. Raises like :func:`keys.open_key`."""
    with keys.open_key(tx, keeper, purpose=KeyPurpose.PAYLOAD, scope="").secret as secret:
        payload = Cipher(secret)
    return LedgerKeys(
        # The digest keeps the secret itself: it must not be wiped here.
        pseudonym=KeyedDigest(keys.open_key(tx, keeper, purpose=KeyPurpose.PSEUDONYM, scope="").secret),
        payload=payload,
        note=NoteKey(keys.open_key(tx, keeper, purpose=KeyPurpose.NOTE, scope="").secret),
        origin=origin,
    )


def access_cipher(tx: Tx, keeper: KeyKeeper) -> Cipher:
    """Return the cipher of one-time-code secrets."""
    with keys.open_key(tx, keeper, purpose=KeyPurpose.ACCESS, scope="").secret as secret:
        return Cipher(secret)


def signing_key(tx: Tx, keeper: KeyKeeper) -> SigningKey:
    """Return the key that signs documents."""
    return SigningKey(keys.open_key(tx, keeper, purpose=KeyPurpose.SIGNING, scope="").secret)


def transfer_key(tx: Tx, keeper: KeyKeeper) -> TransferKey:
    """Return the key that opens what is sealed to this organisation."""
    return TransferKey(keys.open_key(tx, keeper, purpose=KeyPurpose.TRANSFER, scope="").secret)


def _mac(tx: Tx, keeper: KeyKeeper, purpose: KeyPurpose, scope: str) -> ColumnMac:
    with keys.open_key(tx, keeper, purpose=purpose, scope=scope).secret as secret:
        return ColumnMac(secret)
