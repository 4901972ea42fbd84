"""Event kinds of the vault. Payloads hold ids, versions and counts; subjects appear by pseudonym only."""

from __future__ import annotations

from typing import Final

from tigertally.base.text import Text
from tigertally.ledger import register_event

KEY_CREATED: Final = register_event(
    "vault.key.created", Text("建立密钥", "a key was created"), "key", "purpose", "scope", "version"
)
KEY_RETIRED: Final = register_event(
    "vault.key.retired", Text("密钥退役", "a key was retired"), "key", "purpose", "scope", "version"
)
KEY_DESTROYED: Final = register_event(
    "vault.key.destroyed", Text("销毁密钥", "a key was destroyed"), "key", "purpose", "scope", "version"
)
KEYS_REWRAPPED: Final = register_event(
    "vault.keys.rewrapped", Text("客户密钥重新包裹完毕", "subject keys were re-wrapped"), "scope", "version", "records"
)
CUSTODY_MOVED: Final = register_event(
    "vault.custody.moved",
    Text("根密钥改由另一处保管", "another keeper keeps the root key"),
    "from",
    "to",
    "root",
    "keys",
)
SUBJECT_ERASED: Final = register_event(
    "vault.subject.erased", Text("删除客户", "a customer was erased"), "scope", "fields", "payloads", public=False
)
