"""Event kinds of the vault. Payloads hold ids, versions and counts; subjects appear by pseudonym only."""

from __future__ import annotations

from typing import Final

from tigertally.base.text import Text
from tigertally.ledger import register_event, register_fact

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
SUITE_CHANGED: Final = register_event(
    "vault.suite.changed", Text("换用另一算法套件", "another suite seals from now on"), "scope", "from", "to", "version"
)
RECORDS_RESEALED: Final = register_event(
    "vault.records.resealed",
    Text("以新套件重新加密记录完毕", "records were sealed anew under another suite"),
    "scope",
    "suite",
    "records",
)
CUSTODY_MOVED: Final = register_event(
    "vault.custody.moved",
    Text("根密钥改由另一处保管", "another keeper keeps the root key"),
    "from",
    "to",
    "root",
    "keys",
)
SHARES_DEALT: Final = register_event(
    "vault.shares.dealt",
    Text("根密钥份额已分发", "shares of the root key were dealt"),
    "set",
    "epoch",
    "digest",
    "need",
    "holders",
)
SHARES_PROVEN: Final = register_event(
    "vault.shares.proven", Text("持有人证明持有份额", "holders proved that they hold shares"), "set", "epoch", "seats"
)
RESHARE_PLANNED: Final = register_event(
    "vault.reshare.planned",
    Text("计划重新分发份额", "a redistribution of shares was planned"),
    "set",
    "epoch",
    "digest",
)
CUSTODY_OPENED: Final = register_event(
    "vault.custody.opened", Text("以份额开启根密钥", "shares opened the root key"), "set", "epoch", "seats", "stage"
)
CUSTODY_CLOSED: Final = register_event(
    "vault.custody.closed", Text("关闭根密钥", "the root key was closed"), "set", "epoch"
)
SHARES_HOLD: Final = register_fact(
    "vault.shares_hold",
    Text("现行的根密钥份额", "the shares of the root key that hold"),
    set=str,
    epoch=int,
    digest=str,
)
INDEX_RESPELLED: Final = register_event(
    "vault.index.respelled",
    Text("重建姓名和号码索引完毕", "names and numbers were indexed anew"),
    "scope",
    "rules",
)
RETENTION_BEGUN: Final = register_event(
    "vault.retention.begun",
    Text("开始删除已过保存期限的客户", "erasing the customers past their retention was begun"),
    "scope", "plan", "rules", "customers",
)  # fmt: skip
RETENTION_DONE: Final = register_event(
    "vault.retention.done",
    Text("已删除过期客户", "the customers past their retention were erased"),
    "scope", "plan", "erased", "held",
)  # fmt: skip
SUBJECT_ERASED: Final = register_event(
    "vault.subject.erased", Text("删除客户", "a customer was erased"), "scope", "fields", "payloads", public=False
)
