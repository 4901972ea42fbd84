"""What a holder of a share does, without an installation: keys, checking, proving, passing on, a sheet to print.

Papers are believed if the party whose root key it is signed them: its card is given by the holder, who compared the
fingerprint. A share itself is checked against the set before anything is done with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tigertally import vault
from tigertally.app.errors import NotReadable, NotWritable
from tigertally.app.settings import write_whole
from tigertally.base.clock import Clock
from tigertally.base.limits import STATEMENT_BYTES_MAX
from tigertally.base.secret import SecretText
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.kdf import DEFAULT_COST, Argon2Cost
from tigertally.crypto.shares import Seat
from tigertally.formats import dealing as dealing_format
from tigertally.formats import keyfile, party, shareset
from tigertally.formats import share as share_format
from tigertally.formats import statement as dsse
from tigertally.formats.dealing import Dealing, HoldingProof, SealedShare
from tigertally.formats.errors import Malformed, OtherShare
from tigertally.formats.keyfile import KeyFile
from tigertally.formats.share import HOLDER_PURPOSE, HolderCard, TaggedShare
from tigertally.formats.statement import Kind, Statement

SHARE_BYTES_MAX: Final = 4096


def new_holder(
    folder: Path, *, name: str, passphrase: SecretText, cost: Argon2Cost = DEFAULT_COST
) -> tuple[HolderCard, Path, Path]:
    """Make a holder's key and card in ``folder``; return the card and where both are. Nothing is overwritten."""
    key = TransferKey.generate()
    card = share_format.parse_card(HolderCard(name=name, key=key.public).to_bytes())
    paths = folder / "holder.json", folder / "holder.key"
    sealed = keyfile.seal(key.secret, purpose=HOLDER_PURPOSE, passphrase=passphrase, cost=cost)
    write_secret(paths[1], sealed.to_bytes())
    write_secret(paths[0], card.to_bytes())
    return card, *paths


def read_holder_key(path: Path) -> KeyFile:
    """Return a holder's key, still closed. Raises ``NotReadable``, ``Malformed``."""
    parsed = keyfile.parse(read_small(path))
    if parsed.purpose != HOLDER_PURPOSE:
        raise Malformed(what="keyfile", where="purpose")
    return parsed


def open_holder_key(closed: KeyFile, *, passphrase: SecretText) -> TransferKey:
    """Return a holder's key. Raises ``WrongPassphrase``."""
    return TransferKey(closed.open(passphrase))


def read_holder(path: Path) -> HolderCard:
    """Return a holder's card. Raises ``NotReadable``, ``Malformed``."""
    return share_format.parse_card(read_small(path))


def read_share(path: Path) -> TaggedShare:
    """Return the share in a file. Raises ``NotReadable``, ``Malformed``."""
    raw = read_small(path)
    try:
        return share_format.from_text(SecretText(raw.decode("ascii")))
    except UnicodeDecodeError:
        raise Malformed(what="share", where="text") from None


def read_sealed(path: Path) -> SealedShare:
    """Return a share that was sealed to somebody. Raises ``NotReadable``, ``Malformed``."""
    return dealing_format.parse_sealed(read_small(path))


def check(paper: Statement, tagged: TaggedShare) -> str:
    """Return whose share it is, in words, if it is one of the set. Raises what ``ShareSet.admit`` raises."""
    whole = shareset.read_set(paper)
    return whole.terms.title(whole.admit(tagged).seat)


def prove(paper: Statement, tagged: TaggedShare, *, clock: Clock) -> HoldingProof:
    """Return a proof that we hold the share now."""
    share = shareset.read_set(paper).admit(tagged)
    return dealing_format.prove_holding(share, of=paper.digest, at=clock.now())


def give(plan: Statement, paper: Statement, tagged: TaggedShare, *, card: Statement) -> Dealing:
    """Return what we deal under a plan; set and plan must be signed by the party of ``card``."""
    _signed(plan, paper, card)
    return vault.give(shareset.read_plan(plan), plan.digest, shareset.read_set(paper), tagged)


def take(
    plan: Statement, paper: Statement, dealings: Sequence[Dealing], *, seat: Seat, key: TransferKey, card: Statement
) -> TaggedShare:
    """Return our new share from what the old holders dealt. Raises ``DealtWrongly``, which names one of them."""
    _signed(plan, paper, card)
    found = shareset.read_plan(plan)
    if seat not in found.terms.structure.seats:
        raise OtherShare(which=f"seat {shareset.spell_seat(seat)}")
    return vault.take(found, plan.digest, shareset.read_set(paper), dealings, seat=seat, key=key)


def read_dealing(path: Path) -> Dealing:
    """Return a dealing. Raises ``NotReadable``, ``Malformed``."""
    return dealing_format.parse_dealing(read_small(path))


def read_proof(path: Path) -> HoldingProof:
    """Return a proof of holding. Raises ``NotReadable``, ``Malformed``."""
    return dealing_format.parse_proof(read_small(path))


def write_share(path: Path, tagged: TaggedShare) -> None:
    """Write a share for its holder alone (0600). Raises ``NotWritable``, also if there is a file."""
    write_secret(path, (tagged.to_text().expose() + "\n").encode())


def write_secret(path: Path, data: bytes) -> None:
    """Write a small file of its owner's; never over another."""
    if path.exists():
        raise NotWritable(path=path, reason="FileExistsError")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        raise NotWritable(path=path, reason=type(error).__name__) from None


def read_small(path: Path) -> bytes:
    """Return a small file's bytes. Raises ``NotReadable``."""
    try:
        with path.open("rb") as file:
            return file.read(STATEMENT_BYTES_MAX + 1)
    except OSError as error:
        raise NotReadable(path=path, reason=type(error).__name__) from None


def _signed(plan: Statement, paper: Statement, card: Statement) -> None:
    trusted = party.read(card.expect(Kind.PARTY))
    for one in (plan, paper):
        dsse.parse(one.to_bytes()).require({trusted.name: trusted.signing})
    if shareset.read_plan(plan).terms.party != trusted.party:
        raise OtherShare(which="party")
