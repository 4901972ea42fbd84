"""The root key in a token or HSM that speaks PKCS#11 (OASIS, v2.40 and later), through its maker's module.

Mechanism ``CKM_AES_GCM`` with associated data, nonces drawn here for each wrap (the key wraps far fewer than the 2³²
that SP 800-38D allows). Needs the extra ``pkcs11``.

Invariants: the key is an AES key of 256 bits that the token does not give out (``CKA_SENSITIVE``, not
``CKA_EXTRACTABLE``), or it is refused; every key is bound to its place twice, by the token and by us; the PIN is given
once, when the session opens, and is not kept; a wrong one is not tried again, because tokens lock. A process is logged
in to a token once, whoever asks: keepers of one token share its session, and whoever comes second has to know the PIN
as well (compared by a keyed digest).
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto import aead
from tigertally.crypto.digest import KeyedDigest, same
from tigertally.crypto.errors import DecryptionFailed
from tigertally.vault.errors import BadKeeper, KeeperDenies, KeeperKeyUnusable, KeeperUnavailable
from tigertally.vault.keepers import held
from tigertally.vault.keepers.held import Kind

NONCE_BYTES: Final = 12
TAG_BITS: Final = 128
KEY_BITS: Final = 256
LABEL_CHARS_MAX: Final = 64
T = TypeVar("T")

# PKCS#11 return values, by the names that the library gives them.
_DENIES: Final = {
    "PinIncorrect": "pin",
    "PinInvalid": "pin",
    "PinLenRange": "pin",
    "PinExpired": "pin_expired",
    "PinLocked": "pin_locked",
    "UserPinNotInitialized": "pin_not_set",
}
_UNUSABLE: Final = {
    "NoSuchKey": "no_such_key",
    "KeyHandleInvalid": "deleted",
    "ObjectHandleInvalid": "deleted",
    "MultipleObjectsReturned": "key_ambiguous",
    "MechanismInvalid": "mechanism",
    "MechanismParamInvalid": "mechanism",
    "FunctionNotSupported": "mechanism",
    "KeyTypeInconsistent": "key_type",
    "KeySizeRange": "key_type",
    "AttributeTypeInvalid": "key_type",
    "TokenWriteProtected": "token_write_protected",
}
_DOES_NOT_OPEN: Final = frozenset({"EncryptedDataInvalid", "EncryptedDataLenRange", "SignatureInvalid"})
_SAYS_NOTHING: Final = frozenset({"GeneralError", "FunctionFailed"})


class _Login:
    """One token's session in this process, and by how many keepers it is used."""

    __slots__ = ("count", "lock", "pin", "session")

    def __init__(self, session: Any, pin: bytes) -> None:  # noqa: ANN401 - the library has no types
        self.session, self.pin, self.count = session, pin, 0
        self.lock = threading.Lock()


_LOGINS: Final[dict[tuple[str, str], _Login]] = {}
_LOGINS_LOCK: Final = threading.Lock()
_PINS: Final = KeyedDigest(aead.new_key())


class Pkcs11:
    """A keeper: ``key`` in the token labelled ``token``. ``making``: make the key if there is none of that label."""

    __slots__ = ("_key", "_login", "_place", "key_id")

    def __init__(self, module: Path, *, token: str, key: str, pin: SecretText, making: bool = False) -> None:
        for what, label in (("token", token), ("key", key)):
            if not 1 <= len(label) <= LABEL_CHARS_MAX or not label.isprintable():
                raise BadKeeper(what=what)
        self._place = (str(module), token)
        self._login: _Login | None = _log_in(module, token, pin)
        try:
            with self._login.lock:
                session = self._login.session
                self._key = _asked(lambda: _found(session, key, making=making))
        except BaseException:
            self.close()
            raise
        self.key_id = held.key_id_of(Kind.PKCS11, token, key)

    def __repr__(self) -> str:
        return "<pkcs11 keeper>"

    def wrap(self, key: SecretBytes, aad: bytes) -> bytes:
        """Return ``key`` as the token wraps it. Raises ``KeeperUnavailable`` and its like."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._with_key(lambda own: own.encrypt(key.expose(), **_mechanism(nonce, aad)))
        return held.store(key, aad, kind=Kind.PKCS11, key_id=self.key_id, sealed=nonce + bytes(sealed))

    def unwrap(self, wrapped: bytes, aad: bytes) -> SecretBytes:
        """Return the wrapped key; ``DecryptionFailed`` for another root key, another place, altered bytes."""
        found = held.read(wrapped, kind=Kind.PKCS11, key_id=self.key_id)
        nonce, sealed = found.sealed[:NONCE_BYTES], found.sealed[NONCE_BYTES:]
        if len(sealed) <= TAG_BITS // 8:
            raise DecryptionFailed
        raw = self._with_key(lambda own: own.decrypt(sealed, **_mechanism(nonce, aad)), opening=True)
        return held.verified(SecretBytes(bytes(raw)), aad, found)

    def close(self) -> None:
        """Log out of the token, unless another keeper of this process uses it."""
        login, self._login = self._login, None
        if login is not None:
            _log_out(self._place, login)

    def _with_key(self, work: Callable[[Any], T], *, opening: bool = False) -> T:
        login = self._login
        if login is None:
            raise KeeperUnavailable(reason="closed")
        with login.lock:
            return _asked(lambda: work(self._key), probe=self._alive if opening else None)

    def _alive(self) -> bool:
        """Return whether the token still answers: some modules have no other word for a wrong tag than for a fault."""
        import pkcs11  # noqa: PLC0415 - an extra

        try:
            return bool(self._key[pkcs11.Attribute.SENSITIVE])
        except Exception:  # noqa: BLE001 - whatever the module says: it is no answer
            return False


def _log_in(module: Path, token: str, pin: SecretText) -> _Login:
    place, digest = (str(module), token), _PINS.of(pin.expose().encode())
    with _LOGINS_LOCK:
        login = _LOGINS.get(place)
        if login is None:
            login = _LOGINS[place] = _Login(_asked(lambda: _opened(module, token, pin)), digest)
        elif not same(login.pin, digest):
            raise KeeperDenies(reason="pin")
        login.count += 1
        return login


def _log_out(place: tuple[str, str], login: _Login) -> None:
    with _LOGINS_LOCK:
        login.count -= 1
        if login.count:
            return
        _LOGINS.pop(place, None)
    with login.lock, suppress(Exception):  # whatever the module says: it is over
        login.session.close()


def _mechanism(nonce: bytes, aad: bytes) -> dict[str, object]:
    import pkcs11  # noqa: PLC0415 - an extra

    parameters = pkcs11.GCMParams(nonce, aad=held.place_of(aad), tag_bits=TAG_BITS)
    return {"mechanism": pkcs11.Mechanism.AES_GCM, "mechanism_param": parameters}


def _opened(module: Path, token: str, pin: SecretText) -> Any:  # noqa: ANN401 - the library has no types
    try:
        import pkcs11  # noqa: PLC0415 - an extra
    except ImportError:
        raise BadKeeper(what="pip install 'tigertally[pkcs11]'") from None
    if not module.is_file():
        raise BadKeeper(what="module")
    try:
        library = pkcs11.lib(str(module))
    except RuntimeError:
        raise BadKeeper(what="module") from None
    return library.get_token(token_label=token).open(user_pin=pin.expose(), rw=True)


def _found(session: Any, label: str, *, making: bool) -> Any:  # noqa: ANN401 - the library has no types
    import pkcs11  # noqa: PLC0415 - an extra

    wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY, pkcs11.Attribute.LABEL: label}
    present = list(session.get_objects(wanted))
    if len(present) > 1:
        raise KeeperKeyUnusable(reason="key_ambiguous")
    if not present and not making:
        raise KeeperKeyUnusable(reason="no_such_key")
    if not present:
        kept = {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False}
        return session.generate_key(pkcs11.KeyType.AES, KEY_BITS, label=label, store=True, template=kept)
    key = present[0]
    if key.key_type != pkcs11.KeyType.AES or key.key_length != KEY_BITS:
        raise KeeperKeyUnusable(reason="key_type")
    if key[pkcs11.Attribute.EXTRACTABLE] or not key[pkcs11.Attribute.SENSITIVE]:
        raise KeeperKeyUnusable(reason="key_can_be_exported")
    return key


def _asked(work: Callable[[], T], *, probe: Callable[[], bool] | None = None) -> T:
    """Return what ``work`` returns; what the module says instead, in our words. ``probe`` is given when it decrypts."""
    try:
        return work()
    except Exception as error:
        name = type(error).__name__
        if not type(error).__module__.startswith("pkcs11"):
            raise
    if name in _DENIES:
        raise KeeperDenies(reason=_DENIES[name])
    if name in _UNUSABLE:
        raise KeeperKeyUnusable(reason=_UNUSABLE[name])
    if probe is not None and (name in _DOES_NOT_OPEN or (name in _SAYS_NOTHING and probe())):
        raise DecryptionFailed
    # Withdrawn, its session gone, the device in trouble.
    raise KeeperUnavailable(reason="token")
