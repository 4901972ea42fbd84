"""Party card: who an organisation is and which public keys speak for it. docs/formats/party.md.

Self-signed, so it proves only that the holder of the signing key made it; trust comes from two people
comparing the fingerprint out of band. The fingerprint covers every key on the card and the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.base import canon, clock
from tigertally.base.canon import Json
from tigertally.base.ids import PartyId
from tigertally.crypto.digest import sha256_hex
from tigertally.crypto.errors import BadKey
from tigertally.crypto.hpke import TransferPublic
from tigertally.crypto.sign import SigningKey, VerifyKey
from tigertally.formats.note import NoteVerifier
from tigertally.formats.shape import to_b64
from tigertally.formats.statement import Kind, Statement, make

GROUP_CHARS: Final = 4
GROUPS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyCard:
    """An organisation's public identity. ``log`` verifies its ledger's checkpoints."""

    party: PartyId
    name: str
    signing: VerifyKey
    transfer: TransferPublic
    log: NoteVerifier
    created: datetime

    def body(self) -> Json:
        """Return the payload."""
        return {
            "party": self.party,
            "name": self.name,
            "signing_key": to_b64(self.signing.raw),
            "transfer_key": to_b64(self.transfer.raw),
            "log_vkeys": list(self.log.vkeys()),
            "created": clock.to_text(self.created),
        }

    def fingerprint(self) -> str:
        """Return the fingerprint people compare: 160 bits of SHA-256 in ten groups of four hex digits."""
        named = canon.dumps(
            [self.party, self.name, to_b64(self.signing.raw), to_b64(self.transfer.raw), *self.log.vkeys()]
        )
        digest = sha256_hex(b"tigertally/v1/fingerprint\x00" + named)
        return " ".join(digest[at : at + GROUP_CHARS] for at in range(0, GROUPS * GROUP_CHARS, GROUP_CHARS))

    def sign(self, key: SigningKey) -> Statement:
        """Return the card as a statement signed by its own key."""
        return make(Kind.PARTY, self.body(), key)


def read(statement: Statement) -> PartyCard:
    """Return the card in ``statement``, its self-signature verified."""
    reader = statement.expect(Kind.PARTY).reader()
    try:
        card = PartyCard(
            party=PartyId(reader.ident("party", "pty")),
            name=reader.text("name", chars_max=120),
            signing=VerifyKey(reader.b64("signing_key")),
            transfer=TransferPublic(reader.b64("transfer_key")),
            log=NoteVerifier.parse(reader.texts("log_vkeys", chars_max=4096)),
            created=reader.instant("created"),
        )
    except BadKey:
        raise reader.wrong("keys") from None
    reader.end()
    if not card.name.isprintable():
        raise reader.wrong("name")
    statement.require({card.name: card.signing})
    return card
