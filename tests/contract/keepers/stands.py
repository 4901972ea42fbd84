"""Keepers under test: how each is made, and how each is made to fail. Not a test itself.

A stand either can be given a fault, or says why that fault cannot happen to it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.contract.keepers import kms_server

from tigertally.base.clock import SystemClock
from tigertally.base.errors import Problem
from tigertally.base.secret import SecretText
from tigertally.crypto.errors import DecryptionFailed
from tigertally.crypto.kdf import Argon2Cost
from tigertally.formats.errors import WrongPassphrase
from tigertally.vault import (
    KeeperDenies,
    KeeperKeyUnusable,
    KeeperNotBelieved,
    KeeperUnavailable,
    KeyKeeper,
    KmsKeeper,
    NoKeyFile,
    Pkcs11Keeper,
    TransitKeeper,
    create_passphrase_keeper,
    open_passphrase_keeper,
)

ROOT = Path(__file__).parents[3]
CHEAP = Argon2Cost(memory_kib=19_456, passes=2, lanes=1)
WORDS = "seven quiet otters at noon"
TIMEOUT_S = 0.5
IN_PROCESS = "the root key is in this process: nobody is asked"

FAULTS = (
    "unreachable",
    "slow",
    "drip",
    "drop",
    "sealed",
    "wrong_credential",
    "credential_withdrawn",
    "key_disabled",
    "version_shut",
    "lies_key_name",
    "lies_short",
    "lies_other",
    "redirect",
    "huge",
    "garbage",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How to bring it about, and what must be said. ``reopen``: it shows when a keeper is opened anew."""

    strike: Callable[[], None]
    says: tuple[type[Problem], ...]
    reopen: bool = False
    mends: bool = True


@dataclass(slots=True, kw_only=True)
class Stand:
    """One keeper under test."""

    name: str
    make: Callable[[], KeyKeeper]
    stranger: Callable[[], KeyKeeper]
    secret: str
    faults: dict[str, Fault] = field(default_factory=dict)
    cannot: dict[str, str] = field(default_factory=dict)
    mend: Callable[[], None] = lambda: None
    rotate: Callable[[], None] | None = None
    heard: Callable[[], str] = lambda: ""


@dataclass(slots=True, kw_only=True)
class Server:
    """A counterpart process."""

    port: int
    process: subprocess.Popen[bytes]

    def set(self, **how: object) -> None:
        """Let it behave so from now on."""
        self._ask("POST", "/-/set", json.dumps(how))

    def heard(self) -> str:
        """Everything it was sent, as JSON."""
        return self._ask("GET", "/-/heard", "")

    def _ask(self, method: str, path: str, body: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=body)
            return connection.getresponse().read().decode()
        finally:
            connection.close()


@contextlib.contextmanager
def running(script: str, *more: str) -> Iterator[Server]:
    """A counterpart, from its first to its last moment."""
    words = [sys.executable, "-m", f"tests.contract.keepers.{script}", *more]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield Server(port=int(process.stdout.readline()), process=process)
        finally:
            process.terminate()


def network_faults(server: Server) -> dict[str, Fault]:
    """What can happen to every keeper on a network."""

    def end() -> None:
        server.process.kill()
        server.process.wait()

    away = (KeeperUnavailable,)
    lies = (KeeperNotBelieved,)
    modes: Mapping[str, tuple[type[Problem], ...]] = {
        "slow": away,
        "drip": away,
        "drop": away,
        "sealed": away,
        "redirect": lies,
        "huge": lies,
        "garbage": lies,
    }
    found = {mode: Fault(strike=partial(server.set, mode=mode), says=says) for mode, says in modes.items()}
    return {"unreachable": Fault(strike=end, says=away, mends=False), **found}


@contextlib.contextmanager
def passphrase(folder: Path) -> Iterator[Stand]:
    """The file."""
    path = folder / "root.key"
    create_passphrase_keeper(path, passphrase=SecretText(WORDS), cost=CHEAP)
    create_passphrase_keeper(folder / "other.key", passphrase=SecretText(WORDS), cost=CHEAP)
    words = [WORDS]

    def make() -> KeyKeeper:
        return open_passphrase_keeper(path, passphrase=SecretText(words[0]))

    yield Stand(
        name="passphrase",
        make=make,
        stranger=lambda: open_passphrase_keeper(folder / "other.key", passphrase=SecretText(WORDS)),
        secret=WORDS,
        faults={
            "wrong_credential": Fault(
                strike=lambda: words.append(words.pop() + "!"), says=(WrongPassphrase,), reopen=True
            ),
            "unreachable": Fault(strike=path.unlink, says=(NoKeyFile,), reopen=True, mends=False),
        },
        cannot=dict.fromkeys(set(FAULTS) - {"wrong_credential", "unreachable"}, IN_PROCESS),
    )


@contextlib.contextmanager
def transit(folder: Path) -> Iterator[Stand]:
    """Vault or OpenBao."""
    del folder
    with running("transit_server") as server:
        address = f"http://127.0.0.1:{server.port}"
        token = ["invented-token"]

        def make(key: str = "root") -> KeyKeeper:
            return TransitKeeper(address, key=key, token=SecretText(token[0]), timeout_s=TIMEOUT_S)

        yield Stand(
            name="transit",
            make=make,
            stranger=lambda: make("other"),
            secret=token[0],
            faults={
                **network_faults(server),
                "wrong_credential": Fault(
                    strike=lambda: token.append(token.pop() + "x"), says=(KeeperDenies,), reopen=True
                ),
                "credential_withdrawn": Fault(strike=lambda: server.set(revoked=True), says=(KeeperDenies,)),
                "key_disabled": Fault(strike=lambda: server.set(deleted=True), says=(KeeperKeyUnusable,)),
                "version_shut": Fault(strike=lambda: server.set(rotate=2, floor=2), says=(KeeperKeyUnusable,)),
                "lies_key_name": Fault(strike=lambda: server.set(lie="key_name"), says=(KeeperNotBelieved,)),
                "lies_short": Fault(strike=lambda: server.set(lie="short"), says=(KeeperNotBelieved,)),
                "lies_other": Fault(strike=lambda: server.set(lie="other"), says=(DecryptionFailed,)),
            },
            mend=server.set,
            rotate=lambda: server.set(rotate=2),
            heard=server.heard,
        )


@contextlib.contextmanager
def kms(folder: Path) -> Iterator[Stand]:
    """AWS KMS."""
    del folder
    with running("kms_server") as server:
        word = [kms_server.SECRET]

        def make(key: str = kms_server.ROOT) -> KeyKeeper:
            return KmsKeeper(
                region=kms_server.REGION,
                key=key,
                secret=SecretText(f"{kms_server.ACCESS}:{word[0]}"),
                now=SystemClock().now,
                address=f"http://127.0.0.1:{server.port}",
                timeout_s=TIMEOUT_S,
            )

        yield Stand(
            name="kms",
            make=make,
            stranger=lambda: make(kms_server.OTHER),
            secret=kms_server.SECRET,
            faults={
                **network_faults(server),
                "wrong_credential": Fault(
                    strike=lambda: word.append(word.pop() + "x"), says=(KeeperDenies,), reopen=True
                ),
                "credential_withdrawn": Fault(strike=lambda: server.set(revoked=True), says=(KeeperDenies,)),
                "key_disabled": Fault(strike=lambda: server.set(disabled=True), says=(KeeperKeyUnusable,)),
                "version_shut": Fault(strike=lambda: server.set(pending=True), says=(KeeperKeyUnusable,)),
                "lies_key_name": Fault(strike=lambda: server.set(lie="key_name"), says=(KeeperNotBelieved,)),
                "lies_short": Fault(strike=lambda: server.set(lie="short"), says=(KeeperNotBelieved,)),
                "lies_other": Fault(strike=lambda: server.set(lie="other"), says=(DecryptionFailed,)),
            },
            mend=server.set,
            rotate=lambda: server.set(rotate=2),
            heard=server.heard,
        )


MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
NO_NETWORK = "a token is no server"
PIN = "271828"


def softhsm() -> Path:
    """The module of SoftHSM2; the test is skipped where there is none, or not the library that loads it."""
    pytest.importorskip("pkcs11")
    found = [Path(path) for path in MODULES if Path(path).is_file()]
    if not found or shutil.which("softhsm2-util") is None:
        pytest.skip("no SoftHSM2 on this machine (Debian: softhsm2)")
    return found[0]


@functools.cache
def slots() -> Path:
    """The folder of SoftHSM2's tokens; the module reads where it is once in a process."""
    home = Path(tempfile.mkdtemp(prefix="tt-hsm-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    (home / "tokens").mkdir()
    (home / "conf").write_text(f"directories.tokendir = {home / 'tokens'}\nobjectstore.backend = file\n")
    os.environ["SOFTHSM2_CONF"] = str(home / "conf")
    return home / "tokens"


def new_token(label: str) -> Path:
    """Put a new token into a slot; return the folder that it is."""
    import pkcs11  # noqa: PLC0415 - an extra

    before = set(slots().iterdir())
    words = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "161803"]
    subprocess.run(words, check=True, capture_output=True)
    pkcs11.lib(str(softhsm())).reinitialize()
    return (set(slots().iterdir()) - before).pop()


@contextlib.contextmanager
def pkcs11(folder: Path) -> Iterator[Stand]:
    """A token, which SoftHSM2 plays."""
    module, label = softhsm(), folder.name[-20:]
    place = new_token(label)
    pin = [PIN]

    def make(key: str = "root") -> KeyKeeper:
        return Pkcs11Keeper(module, token=label, key=key, pin=SecretText(pin[0]), making=True)

    def delete_key() -> None:
        import pkcs11 as library  # noqa: PLC0415 - an extra

        # A process is logged in once: this session is as well.
        with library.lib(str(module)).get_token(token_label=label).open(rw=True) as session:
            session.get_key(label="root").destroy()

    yield Stand(
        name="pkcs11",
        make=make,
        stranger=lambda: make("other"),
        secret=PIN,
        faults={
            # SoftHSM2 says of a key in a token that was taken out what it says of one that was deleted.
            "unreachable": Fault(
                strike=lambda: shutil.rmtree(place), says=(KeeperUnavailable, KeeperKeyUnusable), mends=False
            ),
            "wrong_credential": Fault(strike=lambda: pin.append(pin.pop() + "9"), says=(KeeperDenies,), reopen=True),
            "key_disabled": Fault(strike=delete_key, says=(KeeperKeyUnusable,), mends=False),
        },
        cannot={
            **dict.fromkeys(set(FAULTS) - {"unreachable", "wrong_credential", "key_disabled"}, NO_NETWORK),
            "credential_withdrawn": "a session that is open stays open when the PIN is changed",
            "version_shut": "keys in a token have no versions",
            "lies_key_name": "a token does not say which key it used",
        },
    )


STANDS = {"pkcs11": pkcs11, "passphrase": passphrase, "transit": transit, "kms": kms}


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "keeper.invalid")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
