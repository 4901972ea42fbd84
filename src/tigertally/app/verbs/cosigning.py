"""Having checkpoints cosigned: by witnesses that are servers, and by files that are carried to those that are not.

Who should cosign, and how many are enough, is a C2SP tlog-policy: one for each deal, set by two persons (``quorums``).
Another can be given as a file, or lie as ``witnesses.policy`` in the installation's folder; then cosignatures are
gathered by it, but no decision rests on it. Whatever comes is held to every policy in force. The network is outside of
every transaction, bounded in time and size, and follows no redirections; what comes back counts only if it verifies
under the policy's keys.
"""

from __future__ import annotations

import http.client
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from tigertally import deals
from tigertally.access import Action, Actor
from tigertally.app import quorums
from tigertally.app.errors import NoQuorumPolicy, WitnessRefused
from tigertally.app.quorums import Quorum
from tigertally.app.verbs.attempt import attempt, second_person
from tigertally.app.wire import House
from tigertally.base.errors import Problem
from tigertally.base.limits import NOTE_BYTES_MAX
from tigertally.crypto.digest import sha256_hex
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
    """A checkpoint with its cosignatures: which witnesses have cosigned, whether they suffice, and who failed.

    ``deals`` are those whose own policy it meets ("" for the policy of no deal).
    """

    note: bytes
    size: int
    witnesses: tuple[str, ...]
    lacking: tuple[str, ...]
    met: bool
    failed: Mapping[str, str]
    deals: tuple[str, ...] = ()


def policy_at(path: Path) -> Policy:
    """Return the policy in a file; :class:`NoQuorumPolicy` if there is none, ``Malformed``."""
    try:
        with path.open("rb") as file:
            return policies.parse(file.read(policies.BYTES_MAX + 1))
    except OSError:
        raise NoQuorumPolicy(path=path) from None


def policy_of(house: House, deal: str) -> Policy | None:
    """Return the policy in force for ``deal``; for "" also the file in the installation's folder; or None."""
    for quorum in listed(house):
        if quorum.deal == deal:
            return quorum.policy
    path = house.settings.home / POLICY_NAME
    return policy_at(path) if not deal and path.exists() else None


def need_policy(house: House, deal: str) -> Policy:
    """Return what :func:`policy_of` does; :class:`NoQuorumPolicy` if there is none."""
    policy = policy_of(house, deal)
    if policy is None:
        raise NoQuorumPolicy(path=deal or POLICY_NAME)
    return policy


def listed(house: House) -> list[Quorum]:
    """Return the policies in force, and which of them are met."""
    with house.store.reading() as tx:
        return quorums.in_force(tx, house.ledger, now=house.clock.now())


def set_policy(house: House, *, actor: Actor, deal: str, data: bytes) -> int:
    """Set who must have witnessed the ledger before an act of ``deal`` ("": of none), by two persons; return the entry.

    Raises ``Malformed``, ``BadQuorum``, ``NoSuchDeal``.
    """
    policy, spelled = quorums.checked(data, deal=deal, log=house.ledger.keys.verifier.vkeys())
    details = (
        ("policy", sha256_hex(spelled.encode())),
        ("quorum", in_words(policy)),
        ("witnesses", ", ".join(f"{name} = {listed.key.name}" for name, listed in policy.witnesses.items())),
    )

    def work(tx: Tx, now: datetime) -> int:
        if deal:
            deals.find_deal(tx, house.ledger, deal, now=now)
        request = house.access.request(tx, actor=actor, action=Action.QUORUM_SET, now=now, deal=deal, details=details)
        second = second_person(request, house.access.decide(tx, request))
        return quorums.set_policy(
            tx,
            house.ledger,
            deal=deal,
            spelled=spelled,
            actor=actor.person.person,
            approver=second.approver,
            now=now,
        )

    return attempt(house, verb="ledger.quorum_set", work=work, actor=actor)


def in_words(policy: Policy, name: str = "") -> str:
    """Return what meets a policy or a group of it, as ``2 of (a, b, 1 of (c, d))``."""
    name = name or policy.quorum
    group = policy.groups.get(name)
    if group is None:
        return name
    return f"{group.wanted} of ({', '.join(in_words(policy, member) for member in group.members)})"


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
    """State of every policy in force that it meets that the ledger is witnessed."""
    met = attempt(
        house,
        verb="ledger.cosign",
        work=lambda tx, now: quorums.state_met(tx, house.ledger, note=found.note, now=now),
    )
    return replace(found, deals=tuple(quorum.deal for quorum in met))


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
