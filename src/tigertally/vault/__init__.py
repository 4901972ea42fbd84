"""The vault: keys in a hierarchy, customers' values sealed under them, tokens in their place.

Floor 6. Columns go in (:func:`seal_batch`), masked views come out (:func:`view`), a clear value only with a decision
(:func:`open_value`). Rooms: ``ports`` and ``keepers`` (who keeps the root key), ``keys`` (made, retired, destroyed),
``keyring`` (opened), ``records`` (bulk sealing), ``entries``, ``values``, ``digits``, ``spelling``, ``tokens`` (its
parts), ``reading``, ``rotation``, ``transfer`` (to and from a part of a bundle), ``destruction``, ``sql``.

Invariants, as absences: no value is stored in clear; no sensitive authentication data is stored at all; no digest of
a value is unkeyed; no token shows a card's first digits; no key leaves unwrapped.

Left to others: who may do any of this (``access``, asked by ``app``), recording it where no ledger is passed, where
values come from (``sealing``) and go to (``handover``).
"""

from tigertally.vault.destruction import (
    SealedSample,
    destroy_scope,
    erase_subject,
    sample_sealed,
    try_open,
    zeroised,
)
from tigertally.vault.errors import (
    BadScope,
    KeeperUnavailable,
    KeyDoesNotOpen,
    KeyFileExists,
    KeyInUse,
    KeyNotActive,
    KeyOverAge,
    KeyWornOut,
    NoKeyFile,
    NoSuchKey,
    NoSuchSubject,
    NoSuchToken,
    RecordBroken,
    SadRefused,
    SubjectDiffers,
    TokenClash,
    TokenNotAccepted,
    ValueNotAccepted,
)
from tigertally.vault.events import KEY_CREATED, KEY_DESTROYED, KEY_RETIRED, KEYS_REWRAPPED, SUBJECT_ERASED
from tigertally.vault.keepers.passphrase import create as create_passphrase_keeper
from tigertally.vault.keepers.passphrase import open_file as open_passphrase_keeper
from tigertally.vault.keyring import VaultKeys, access_cipher, ledger_keys, open_scope, signing_key, transfer_key
from tigertally.vault.keys import (
    PERIOD_S_MAX,
    KeyInfo,
    KeyPurpose,
    KeyState,
    active_key,
    announce,
    announce_end,
    create_installation_keys,
    create_key,
    create_scope_keys,
    destroy_key,
    destroy_scope_keys,
    list_keys,
    open_key,
)
from tigertally.vault.ports import Begin, KeyKeeper
from tigertally.vault.reading import (
    MaskedField,
    MaskedRecord,
    Place,
    count_holders,
    counts,
    find,
    lookup,
    open_value,
    resolve,
    view,
)
from tigertally.vault.records import Batch, SealCounts, prepare_batch, seal_batch, store_batch
from tigertally.vault.rotation import rewrap, rotate
from tigertally.vault.transfer import (
    ReadyPart,
    check_part,
    commitments_of,
    export_part,
    import_part,
    prepare_part,
    store_part,
    stored_part,
)
from tigertally.vault.values import Rejection

__all__ = [
    "KEYS_REWRAPPED",
    "KEY_CREATED",
    "KEY_DESTROYED",
    "KEY_RETIRED",
    "PERIOD_S_MAX",
    "SUBJECT_ERASED",
    "BadScope",
    "Batch",
    "Begin",
    "KeeperUnavailable",
    "KeyDoesNotOpen",
    "KeyFileExists",
    "KeyInUse",
    "KeyInfo",
    "KeyKeeper",
    "KeyNotActive",
    "KeyOverAge",
    "KeyPurpose",
    "KeyState",
    "KeyWornOut",
    "MaskedField",
    "MaskedRecord",
    "NoKeyFile",
    "NoSuchKey",
    "NoSuchSubject",
    "NoSuchToken",
    "Place",
    "ReadyPart",
    "RecordBroken",
    "Rejection",
    "SadRefused",
    "SealCounts",
    "SealedSample",
    "SubjectDiffers",
    "TokenClash",
    "TokenNotAccepted",
    "ValueNotAccepted",
    "VaultKeys",
    "access_cipher",
    "active_key",
    "announce",
    "announce_end",
    "check_part",
    "commitments_of",
    "count_holders",
    "counts",
    "create_installation_keys",
    "create_key",
    "create_passphrase_keeper",
    "create_scope_keys",
    "destroy_key",
    "destroy_scope",
    "destroy_scope_keys",
    "erase_subject",
    "export_part",
    "find",
    "import_part",
    "ledger_keys",
    "list_keys",
    "lookup",
    "open_key",
    "open_passphrase_keeper",
    "open_scope",
    "open_value",
    "prepare_batch",
    "prepare_part",
    "resolve",
    "rewrap",
    "rotate",
    "sample_sealed",
    "seal_batch",
    "signing_key",
    "store_batch",
    "store_part",
    "stored_part",
    "transfer_key",
    "try_open",
    "view",
    "zeroised",
]
