"""Having checkpoints cosigned: by witnesses that are servers, and by files that are carried to those that are not.

Who should cosign, and how many are enough, is a C2SP tlog-policy: ``witnesses.policy`` in the installation's folder,
or the file that is given. The network is outside of every transaction, bounded in time and size, and follows no
redirections; what comes back counts only if it verifies under the policy's keys.
"""

from __future__ import annotations

import http.client
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tigertally.app import soundness
from tigertally.app.errors import NoQuorumPolicy, WitnessRefused
from tigertally.app.verbs.attempt import attempt
from tigertally.app.wire import House
from tigertally.base.errors import Problem
from tigertally.base.limits import NOTE_BYTES_MAX
from tigertally.formats import checkpoint as notes
from tigertally.formats import policy as policies
from tigertally.formats import witness
from tigertally.formats.cosignature import VKey
from tigertally.formats.policy import Policy
from tigertally.ledger import checkpoints
from tigertally.store.tx import Tx

POLICY_NAME: Final = "witnesses.policy"
TIMEOUT_S: Final = 10
_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,15})\n")
_WHY: Final = {400: "malformed", 403: "not signed by the log", 404: "unknown log", 409: "conflict", 422: "proof"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """A checkpoint with its cosignatures: which witnesses have cosigned, whether they suffice, and who failed."""

    note: bytes
    size: int
    witnesses: tuple[str, ...]
    lacking: tuple[str, ...]
    met: bool
    failed: Mapping[str, str]


def policy_at(path: Path) -> Policy:
    """Return the policy in a file; :class:`NoQuorumPolicy` if there is none, ``Malformed``."""
    try:
        with path.open("rb") as file:
            return policies.parse(file.read(policies.BYTES_MAX + 1))
    except OSError:
        raise NoQuorumPolicy(path=path) from None


def own_policy(house: House) -> Policy | None:
    """Return the installation's policy, None if it has none."""
    path = house.settings.home / POLICY_NAME
    return policy_at(path) if path.exists() else None


def cosign(house: House, *, policy: Policy) -> Cosigned:
    """Sign the present head, ask every witness that has an address to cosign it, keep what they gave."""
    note = _signed(house)
    failed: dict[str, str] = {}
    for url, keys in _servers(policy).items():
        try:
            answer = _ask(house, url, note, keys)
            note = _keep(house, note, keys, answer)
        except Problem as problem:
            failed[url] = str(problem.details.get("why", problem.code))
    return _stated(house, _standing(note, policy, failed))


def request(house: House, *, policy: Policy, name: str) -> bytes:
    """Return the request to the witness ``name`` of the policy, for a file; the head is signed first.

    Raises :class:`NoQuorumPolicy` if the policy has no such witness.
    """
    listed = policy.witnesses.get(name)
    if listed is None:
        raise NoQuorumPolicy(path=Path(POLICY_NAME))
    note = _signed(house)
    with house.store.reading() as tx:
        old = checkpoints.last_cosigned(tx, [listed.key])
        return checkpoints.request_of(tx, note=note, old=old).to_bytes()


def take(house: House, *, policy: Policy, asked: bytes, answer: bytes) -> Cosigned:
    """Keep what a witness gave for the request ``asked``. Raises ``Malformed``, ``SignatureInvalid``."""
    keys = [listed.key for listed in policy.witnesses.values()]
    note = _keep(house, witness.parse(asked).checkpoint, keys, answer)
    return _stated(house, _standing(note, policy, {}))


def _signed(house: House) -> bytes:
    return attempt(
        house, verb="ledger.checkpoint", work=lambda tx, now: checkpoints.sign_head(tx, house.ledger, now=now)
    )


def _keep(house: House, note: bytes, keys: list[VKey], answer: bytes) -> bytes:
    given = witness.take(answer, checkpoint=note, keys=keys)

    def work(tx: Tx, _now: datetime) -> bytes:
        return checkpoints.keep_cosigned(tx, house.ledger, note=note, more=given)

    return attempt(house, verb="ledger.cosign", work=work)


def _standing(note: bytes, policy: Policy, failed: Mapping[str, str]) -> Cosigned:
    signed, parsed = notes.parse(note)
    cosigned = policy.cosigned(parsed, signed)
    return Cosigned(
        note=note,
        size=signed.size,
        witnesses=tuple(sorted(cosigned)),
        lacking=tuple(policy.lacking(cosigned)),
        met=policy.met(cosigned),
        failed=failed,
    )


def _stated(house: House, found: Cosigned) -> Cosigned:
    """State that the ledger is witnessed, if it is."""
    if found.met:
        attempt(
            house,
            verb="ledger.cosign",
            work=lambda tx, now: soundness.state_witnessed(
                tx, house.ledger, size=found.size, witnesses=found.witnesses, now=now
            ),
        )
    return found


def _servers(policy: Policy) -> dict[str, list[VKey]]:
    found: dict[str, list[VKey]] = {}
    for listed in policy.witnesses.values():
        if listed.url:
            found.setdefault(listed.url, []).append(listed.key)
    return found


def _ask(house: House, url: str, note: bytes, keys: list[VKey]) -> bytes:
    """Ask one witness, a second time if it knows another size than we thought."""
    with house.store.reading() as tx:
        old = checkpoints.last_cosigned(tx, keys)
    size, status = notes.parse(note)[0].size, 0
    for _ in range(2):
        with house.store.reading() as tx:
            body = checkpoints.request_of(tx, note=note, old=old).to_bytes()
        status, answer = _post(url, body)
        if status == http.client.OK:
            return answer
        told = _SIZE.fullmatch(answer) if status == http.client.CONFLICT else None
        if told is None or int(told.group(1)) == old or int(told.group(1)) > size:
            break
        old = int(told.group(1))
    raise WitnessRefused(status=status, why=_WHY.get(status, "refused"))


def _post(url: str, body: bytes) -> tuple[int, bytes]:
    parts = urllib.parse.urlsplit(url)
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    kind = kinds.get(parts.scheme)
    if kind is None or not parts.hostname:
        raise WitnessRefused(status=0, why="address")
    try:
        connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", parts.path.rstrip("/") + "/add-checkpoint", body=body)
            with connection.getresponse() as response:
                return response.status, response.read(NOTE_BYTES_MAX)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError):
        raise WitnessRefused(status=0, why="no answer") from None
