"""Which keeper has the root key, as the settings say it. Nothing in here is secret.

``[keeper]`` in ``tigertally.toml`` has ``kind`` and what that kind needs (:data:`PARAMETERS`). While custody moves
there is ``[keeper_next]`` too; the database says which of the two it is (by digest), so that a crash between the
database's commit and the file's is made good by whoever opens the installation next. The database never says an
address: who edits it could otherwise have the credential sent somewhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from tigertally.app.errors import BadSettings
from tigertally.base import canon
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_hex

ROOT_NAME: Final = "root.key"
SET_NAME: Final = "shares.json"
SET_NEXT_NAME: Final = "shares.next.json"
OPENED_NAME: Final = "opened.key"


class KeeperKind(Enum):
    """Where a root key can be."""

    PASSPHRASE = "passphrase"  # noqa: S105 - a kind
    TRANSIT = "transit"
    KMS = "kms"
    PKCS11 = "pkcs11"
    SHARES = "shares"


TITLES: Final[dict[KeeperKind, Text]] = {
    KeeperKind.PASSPHRASE: Text("口令保护的文件", "a file under a passphrase"),
    KeeperKind.TRANSIT: Text("Vault/OpenBao Transit", "Vault or OpenBao Transit"),
    KeeperKind.KMS: Text("云密钥服务（AWS KMS 协议）", "a cloud's key service (AWS KMS protocol)"),
    KeeperKind.PKCS11: Text("密码令牌或密码机（PKCS#11）", "a token or HSM (PKCS#11)"),
    KeeperKind.SHARES: Text("多人份额", "shares of several holders"),
}
UNLOCKED_BY: Final[dict[KeeperKind, Text]] = {
    KeeperKind.PASSPHRASE: Text("根密钥口令", "root key passphrase"),
    KeeperKind.TRANSIT: Text("Transit 令牌", "Transit token"),
    KeeperKind.PKCS11: Text("令牌 PIN", "the token's PIN"),
    KeeperKind.SHARES: Text("本次开启的口令", "passphrase of this opening"),
    KeeperKind.KMS: Text("访问密钥（编号:密钥[:会话令牌]）", "access key (ID:SECRET[:SESSION])"),
}
# What each must be told, and what it may be told.
PARAMETERS: Final[dict[KeeperKind, tuple[frozenset[str], frozenset[str]]]] = {
    KeeperKind.PASSPHRASE: (frozenset(), frozenset({"file"})),
    KeeperKind.TRANSIT: (frozenset({"address", "key"}), frozenset({"mount", "namespace", "ca"})),
    KeeperKind.PKCS11: (frozenset({"module", "token", "key"}), frozenset()),
    KeeperKind.SHARES: (frozenset(), frozenset()),
    KeeperKind.KMS: (frozenset({"region", "key"}), frozenset({"address", "ca"})),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """One keeper's settings."""

    kind: KeeperKind = KeeperKind.PASSPHRASE
    values: tuple[tuple[str, str], ...] = ()

    @property
    def table(self) -> dict[str, str]:
        """The settings as they stand in the file."""
        return {"kind": self.kind.value, **dict(self.values)}

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the settings: how the database names them."""
        return sha256_hex(canon.dumps(self.table))

    @property
    def place(self) -> str:
        """Where it is, in a few words that a list has room for."""
        told = dict(self.values)
        if self.kind is KeeperKind.PASSPHRASE:
            return self.file
        if self.kind is KeeperKind.SHARES:
            return SET_NAME
        where = told.get("token") or told.get("address") or told.get("region", "")
        return f"{where} {told.get('key', '')}".strip()

    @property
    def file(self) -> str:
        """The key file's name in the installation's folder."""
        return dict(self.values).get("file", ROOT_NAME)


PASSPHRASE_FILE: Final = Keeping()
IN_SHARES: Final = Keeping(kind=KeeperKind.SHARES)
MOVABLE: Final = tuple(kind for kind in KeeperKind if kind is not KeeperKind.SHARES)
"""Keepers that a root key can move to by naming them; shares are dealt in a ceremony."""


def keeping_of(table: Mapping[str, object]) -> Keeping:
    """Return the settings in ``table``. Raises :class:`BadSettings` for anything missing, unknown or ill-typed."""
    kinds = {kind.value: kind for kind in KeeperKind}
    kind = kinds.get(str(table.get("kind")))
    if kind is None:
        raise BadSettings(what="keeper.kind")
    must, may = PARAMETERS[kind]
    told = {name: value for name, value in table.items() if name != "kind"}
    for name in sorted(must - set(told)) + sorted(set(told) - must - may):
        raise BadSettings(what=f"keeper.{name[:20]}")
    values: list[tuple[str, str]] = []
    for name, value in sorted(told.items()):
        if not isinstance(value, str) or not value:
            raise BadSettings(what=f"keeper.{name}")
        values.append((name, value))
    made = Keeping(kind=kind, values=tuple(values))
    if kind is KeeperKind.PASSPHRASE and (made.file != Path(made.file).name or not made.file.endswith(".key")):
        raise BadSettings(what="keeper.file")
    return made
