"""Opening the keeper that the settings name, and beginning with a new one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from tigertally import vault
from tigertally.app.keeping import OPENED_NAME, KeeperKind, Keeping
from tigertally.base.secret import SecretText
from tigertally.crypto.kdf import DEFAULT_COST, Argon2Cost
from tigertally.vault import CustodyClosed, KeyKeeper


def open_keeper(home: Path, keeping: Keeping, *, unlock: SecretText, now: Callable[[], datetime]) -> KeyKeeper:
    """Return the keeper, opened by ``unlock`` (passphrase, token, access key). Raises what that keeper raises."""
    told = dict(keeping.values)
    ca = home / told["ca"] if "ca" in told else None
    if keeping.kind is KeeperKind.TRANSIT:
        return vault.TransitKeeper(
            told["address"],
            key=told["key"],
            token=unlock,
            mount=told.get("mount", "transit"),
            namespace=told.get("namespace", ""),
            ca=ca,
        )
    if keeping.kind is KeeperKind.KMS:
        return vault.KmsKeeper(
            region=told["region"], key=told["key"], secret=unlock, now=now, address=told.get("address", ""), ca=ca
        )
    if keeping.kind is KeeperKind.PKCS11:
        return vault.Pkcs11Keeper(Path(told["module"]), token=told["token"], key=told["key"], pin=unlock)
    if keeping.kind is KeeperKind.SHARES:
        if not (home / OPENED_NAME).exists():
            raise CustodyClosed
        return vault.open_passphrase_keeper(home / OPENED_NAME, passphrase=unlock)
    return vault.open_passphrase_keeper(home / keeping.file, passphrase=unlock)


def new_keeper(
    home: Path, keeping: Keeping, *, unlock: SecretText, now: Callable[[], datetime], cost: Argon2Cost = DEFAULT_COST
) -> KeyKeeper:
    """Return a keeper that is to begin: a new file, or a key elsewhere that was looked at first.

    Raises ``KeyFileExists``, ``KeeperKeyUnusable`` for a key that could be taken out, and what the keeper raises.
    """
    if keeping.kind is KeeperKind.PASSPHRASE:
        return vault.create_passphrase_keeper(home / keeping.file, passphrase=unlock, cost=cost)
    if keeping.kind is KeeperKind.PKCS11:
        told = dict(keeping.values)
        return vault.Pkcs11Keeper(Path(told["module"]), token=told["token"], key=told["key"], pin=unlock, making=True)
    keeper = open_keeper(home, keeping, unlock=unlock, now=now)
    if isinstance(keeper, (vault.TransitKeeper, vault.KmsKeeper)):
        try:
            keeper.check()
        except BaseException:
            keeper.close()
            raise
    return keeper
