"""Who may take a value out of its secret type, and who may open a writing transaction: short lists, one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src" / "tigertally"

# A clear value or key leaves its wrapper only here. A new line needs a reason.
EXPOSERS = {
    "crypto/aead.py": "keys go into the cipher",
    "crypto/cmac.py": "keys go into the keyed digest",
    "crypto/digest.py": "keys go into the keyed digest",
    "crypto/hpke.py": "keys go into the key encapsulation",
    "crypto/kdf.py": "passphrases and keys go into the derivation",
    "crypto/sign.py": "private keys go into the signature",
    "crypto/sm2.py": "private keys go into the signature, and what is sealed into its cipher",
    "crypto/ff1.py": "keys go into the block cipher",
    "crypto/shares.py": "shares and what is shared become scalars",
    "crypto/sigv4.py": "the secret key goes into the request's signature",
    "crypto/stream.py": "keys go into the chunked cipher",
    "crypto/passwords.py": "a customer's password is held to stored hashes",
    "crypto/totp.py": "the shared secret goes into the one-time code",
    "formats/dealing.py": "shares are sealed to their holders",
    "formats/share.py": "a share is spelled for its holder",
    "formats/envelope.py": "content keys go into the envelope's own key schedule",
    "discovery/sources/mysql.py": "the password goes to the driver",
    "access/codes.py": "an enrolment or recovery code is digested",
    "access/passphrases.py": "a new passphrase is held against what is guessed first",
    "access/sessions.py": "a session's token is digested",
    "vault/keepers/kms.py": "credentials are told apart, the key goes to its keeper",
    "vault/keepers/pkcs11.py": "the PIN opens the session, the key goes to its keeper",
    "vault/keepers/transit.py": "the token goes into the request's header, the key to its keeper",
    "access/providers.py": "a client's secret is sealed",
    "app/oidc.py": "the verifier and the client's secret go to the sign-in provider",
    "app/verbs/identity.py": "the token of one's own session is digested",
    "app/verbs/holding.py": "a holder's share goes into their file (0600)",
    "app/verbs/sharing.py": "a holder's share goes into their file (0600)",
    "vault/replacing.py": "a new value is sealed",
    "app/verbs/customers.py": "a new value is brought into its one spelling, a new hash is described",
    "app/verbs/vault.py": "a value to look for goes into the keyed digest",
    "cli/sheet.py": "a share is printed for its holder",
    "cli/enrol.py": "the one-time code's secret is shown once, to the person who enrols",
    "cli/me.py": "new recovery codes are shown once, to the person whose they are",
    "cli/sessions.py": "a session's token goes into its owner's file (0600)",
    "cli/vault.py": "the revealed value is shown to the person whom the decision allowed",
    "cli/demo/stage.py": "the demo types its fictional people's one-time codes",
}

# Everything else gets its transaction from above (EXAMPLES: services that commit).
OPENERS = {
    "app": "verbs.attempt and jobs open transactions for everyone",
    "store": "the floor itself",
}


def calls(names: set[str]) -> set[str]:
    """Return the files in which a method of one of these names is called."""
    return {
        path.relative_to(SRC).as_posix()
        for path in SRC.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names
    }


def test_only_listed_rooms_expose() -> None:
    assert calls({"expose"}) - set(EXPOSERS) == set()


def test_the_list_of_exposers_holds_nobody_too_many() -> None:
    assert set(EXPOSERS) - calls({"expose"}) == set()


def test_only_listed_rooms_open_writing_transactions() -> None:
    strangers = {path for path in calls({"transaction", "grouped"}) if path.split("/", maxsplit=1)[0] not in OPENERS}
    if strangers == set():
        return
    pytest.fail(f"these open transactions: {sorted(strangers)}")
