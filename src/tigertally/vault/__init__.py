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

from tigertally.vault.custody.ceremony import (
    conclude,
    give,
    need_enough,
    need_plan,
    need_rules,
    recover,
    share_root,
    take,
)
from tigertally.vault.custody.moving import custody, move, state_custody
from tigertally.vault.destruction import (
    SealedSample,
    destroy_scope,
    erase_subject,
    sample_sealed,
    try_open,
    zeroised,
)
from tigertally.vault.errors import (
    BadKeeper,
    BadScope,
<<<<<<< HEAD
    CardTokensSettled,
=======
    CustodyClosed,
>>>>>>> 46bf263 (The ceremony: a root key in shares for two companies and an escrow, opened, proved and passed on by commands)
    CustodyMoved,
    DealtWrongly,
    KeeperDenies,
    KeeperKeyUnusable,
    KeeperNotBelieved,
    KeeperUnavailable,
    KeyDoesNotOpen,
    KeyFileExists,
    KeyInUse,
    KeyNotActive,
    KeyNotYet,
    KeyOverAge,
    KeyWornOut,
    NoKeyFile,
    NoSuchKey,
    NoSuchSubject,
    NoSuchToken,
    NotEnoughShares,
    NotOfThisPlan,
    OldShareSet,
    RecordBroken,
    RuleUnmet,
    SadRefused,
    SameKeeper,
    SharesWithoutDeal,
    SubjectDiffers,
    TokenClash,
    TokenNotAccepted,
    ValueNotAccepted,
)
from tigertally.vault.events import (
    CUSTODY_CLOSED,
    CUSTODY_MOVED,
    CUSTODY_OPENED,
    KEY_CREATED,
    KEY_DESTROYED,
    KEY_RETIRED,
    KEYS_REWRAPPED,
    RESHARE_PLANNED,
    SHARES_DEALT,
    SHARES_HOLD,
    SHARES_PROVEN,
    SUBJECT_ERASED,
)
from tigertally.vault.fitted import as_stored, lookup_fitting
from tigertally.vault.fitting import CLASSES as FITTING_CLASSES
from tigertally.vault.fitting import FIXED_CHARS as FITTING_FIXED_CHARS
from tigertally.vault.keepers.kms import Kms as KmsKeeper
from tigertally.vault.keepers.passphrase import create as create_passphrase_keeper
from tigertally.vault.keepers.passphrase import open_file as open_passphrase_keeper
from tigertally.vault.keepers.rooted import Rooted as RootedKeeper
from tigertally.vault.keepers.transit import Transit as TransitKeeper
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
from tigertally.vault.scopes import CardKind, card_kind, settle_cards
from tigertally.vault.tokens import STORED_CHARS
from tigertally.vault.transfer import (
    ReadyPart,
    SealedRows,
    check_part,
    commitments_of,
    committed,
    export_part,
    import_part,
    open_rows,
    prepare_part,
    read_rows,
    rows_of,
    store_part,
    stored_part,
)
from tigertally.vault.values import Rejection

__all__ = [
    "CUSTODY_CLOSED",
    "CUSTODY_MOVED",
<<<<<<< HEAD
    "FITTING_CLASSES",
    "FITTING_FIXED_CHARS",
=======
    "CUSTODY_OPENED",
>>>>>>> 46bf263 (The ceremony: a root key in shares for two companies and an escrow, opened, proved and passed on by commands)
    "KEYS_REWRAPPED",
    "KEY_CREATED",
    "KEY_DESTROYED",
    "KEY_RETIRED",
    "PERIOD_S_MAX",
<<<<<<< HEAD
    "STORED_CHARS",
=======
    "RESHARE_PLANNED",
    "SHARES_DEALT",
    "SHARES_HOLD",
    "SHARES_PROVEN",
>>>>>>> 46bf263 (The ceremony: a root key in shares for two companies and an escrow, opened, proved and passed on by commands)
    "SUBJECT_ERASED",
    "BadKeeper",
    "BadScope",
    "Batch",
    "Begin",
<<<<<<< HEAD
    "CardKind",
    "CardTokensSettled",
=======
    "CustodyClosed",
>>>>>>> 46bf263 (The ceremony: a root key in shares for two companies and an escrow, opened, proved and passed on by commands)
    "CustodyMoved",
    "DealtWrongly",
    "KeeperDenies",
    "KeeperKeyUnusable",
    "KeeperNotBelieved",
    "KeeperUnavailable",
    "KeyDoesNotOpen",
    "KeyFileExists",
    "KeyInUse",
    "KeyInfo",
    "KeyKeeper",
    "KeyNotActive",
    "KeyNotYet",
    "KeyOverAge",
    "KeyPurpose",
    "KeyState",
    "KeyWornOut",
    "KmsKeeper",
    "MaskedField",
    "MaskedRecord",
    "NoKeyFile",
    "NoSuchKey",
    "NoSuchSubject",
    "NoSuchToken",
    "NotEnoughShares",
    "NotOfThisPlan",
    "OldShareSet",
    "Place",
    "ReadyPart",
    "RecordBroken",
    "Rejection",
    "RootedKeeper",
    "RuleUnmet",
    "SadRefused",
    "SameKeeper",
    "SealCounts",
    "SealedRows",
    "SealedSample",
    "SharesWithoutDeal",
    "SubjectDiffers",
    "TokenClash",
    "TokenNotAccepted",
    "TransitKeeper",
    "ValueNotAccepted",
    "VaultKeys",
    "access_cipher",
    "active_key",
    "announce",
    "announce_end",
    "as_stored",
    "card_kind",
    "check_part",
    "commitments_of",
    "committed",
    "conclude",
    "count_holders",
    "counts",
    "create_installation_keys",
    "create_key",
    "create_passphrase_keeper",
    "create_scope_keys",
    "custody",
    "destroy_key",
    "destroy_scope",
    "destroy_scope_keys",
    "erase_subject",
    "export_part",
    "find",
    "give",
    "import_part",
    "ledger_keys",
    "list_keys",
    "lookup",
    "lookup_fitting",
    "move",
    "need_enough",
    "need_plan",
    "need_rules",
    "open_key",
    "open_passphrase_keeper",
    "open_rows",
    "open_scope",
    "open_value",
    "prepare_batch",
    "prepare_part",
    "read_rows",
    "recover",
    "resolve",
    "rewrap",
    "rotate",
    "rows_of",
    "sample_sealed",
    "seal_batch",
<<<<<<< HEAD
    "settle_cards",
=======
    "share_root",
>>>>>>> 46bf263 (The ceremony: a root key in shares for two companies and an escrow, opened, proved and passed on by commands)
    "signing_key",
    "state_custody",
    "store_batch",
    "store_part",
    "stored_part",
    "take",
    "transfer_key",
    "try_open",
    "view",
    "zeroised",
]
