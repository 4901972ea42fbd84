"""Under a clock put back: what people do with themselves and each other, and how programs show who they are."""

from __future__ import annotations

import json
import urllib.parse
from typing import TYPE_CHECKING

from tests.stories import providers as served
from tests.stories import town as towns
from tests.stories.authenticator import Authenticator
from tests.stories.town import Answer, Firm
from tests.unit.formats.tokens import Signer, claims

from tigertally.access.providers import Proved
from tigertally.app.verbs import identity, passkeys, signin
from tigertally.app.verbs import people as people_verbs
from tigertally.app.verbs import services as service_verbs
from tigertally.app.wire import House
from tigertally.base.secret import SecretText

if TYPE_CHECKING:
    from tests.faults.test_clock import Behind


def steps(town: Behind) -> None:
    firm, word = town.seller, town.root / "tan.txt"
    word.write_text(towns.passphrase_of("tan") + "\n")
    code = town.do(firm, "people", "add", "tan", "--roles", "operator", who="chen").text("code")
    _learn(firm, town.do(firm, "enrol", "tan", "--code", code, "--passphrase-file", word))
    town.call(firm, "access.login", lambda house: towns.log_in(firm, house, "tan"))

    def confirm(house: House) -> None:
        token = SecretText((firm.home / "sessions" / "tan").read_text().strip())
        people_verbs.confirm(house, handle="tan", token=token, code=firm.code("tan", town.clock.now()))

    town.call(firm, "access.confirm", confirm)
    answers = town.root / "answers.json"
    right = {
        item.id: [choice.text.en for choice in item.options if choice.right] for item in people_verbs.quiz().questions
    }
    answers.write_text(json.dumps(right))
    town.do(firm, "people", "train", "--answers", answers, who="tan")
    town.do(firm, "people", "pledge", "--yes", who="tan")
    town.do(firm, "people", "screen", "tan", "--outcome", "pass", who="chen")
    town.do(firm, "people", "freeze", "tan", "--reason", "investigation", who="wang")
    town.do(firm, "people", "unfreeze", "tan", who="wang")
    town.do(firm, "people", "roles", "tan", "--roles", "operator,auditor", who="chen")
    rows = town.do(firm, "people", "review").data["items"]
    assert isinstance(rows, list)
    (code,) = [str(row["row"]) for row in rows if isinstance(row, dict) and row["handle"] == "qian"]
    town.do(firm, "people", "review", "qian", "--keep", code, who="chen")
    words = ("glass", "break", "--reason", "order", "--minutes", "5")
    entry = town.two(firm, *words, who="tan", second="wang").data["glass"]
    town.two(firm, "glass", "review", str(entry), "--verdict", "misuse", who="chen", second="wang")
    _service(town)
    _provider(town)
    _passkey(town)
    _learn(firm, town.do(firm, "me", "factor", who="tan"))
    spare = town.do(firm, "me", "recovery", who="tan").data["recovery"]
    assert isinstance(spare, list)
    codes = iter([SecretText(str(item)) for item in spare])

    def recover(house: House) -> None:
        own = SecretText(towns.passphrase_of("tan"))
        identity.recover(house, handle="tan", passphrase=own, code=next(codes))

    town.call(firm, "access.recover", recover)
    town.do(firm, "me", "passphrase", "--present-file", word, "--new-file", word, who="tan")
    town.do(firm, "people", "devices", "tan", who="chen")
    town.do(firm, "me", "devices", "--end", "all", who="tan")
    town.do(firm, "people", "reset", "tan", who="chen")
    town.do(firm, "people", "disable", "tan", who="chen")


def _service(town: Behind) -> None:
    firm, old, new = town.seller, Signer(), Signer()
    (town.root / "old.pem").write_bytes(old.pem)
    (town.root / "new.pem").write_bytes(new.pem)
    words = ("service", "add", "till", "--owner", "zhao", "--for", "vault.view", "--key", town.root / "old.pem")
    made = town.two(firm, *words, who="chen", second="wang")
    town.two(firm, "service", "key", "till", "--key", town.root / "new.pem", who="chen", second="wang")

    def shown(house: House) -> None:
        said = claims(made.text("service"), made.text("audience"), house.clock.now())
        service_verbs.let_in(house, name="svc:till", token=new.token(said))

    town.call(firm, "access.service_in", shown)
    town.do(firm, "service", "end", "till", who="chen")


def _passkey(town: Behind) -> None:
    firm, answer = town.seller, town.root / "answer.json"
    device = Authenticator(origin="https://tally.example")
    answer.write_bytes(device.create(town.do(firm, "me", "passkey", "--origin", device.origin, who="tan").data))
    town.do(firm, "me", "passkey", "--answer", answer, who="tan")
    options = town.do(firm, "confirm", "tan", "--ask-passkey", device.origin).data
    given = device.get(options)

    def show(house: House) -> None:
        token = SecretText((firm.home / "sessions" / "tan").read_text().strip())
        passkeys.show(house, handle="tan", token=token, answer=given)

    town.call(firm, "access.passkey_show", show)


def _provider(town: Behind) -> None:
    firm = town.seller
    with served.ours() as ours:
        words = ("provider", "trust", ours.issuer, "--client", served.CLIENT, "--algorithm", "EdDSA")
        town.two(firm, *words, who="chen", second="wang")
        binding = ("provider", "bind", "tan", "--subject", ours.subject)
        bound = town.two(firm, *binding, who="chen", second="wang").text("identity")

        def shown(house: House) -> None:
            at = int(house.clock.now().timestamp())
            ours.claims = {"iat": at, "exp": at + 60}
            asked = signin.begin(house, redirect="http://127.0.0.1:8499/signed-in")
            signin.prove(house, asked=asked, query=ours.sign_in(asked.address))

        def sign_in(house: House) -> None:
            proved = Proved(issuer=ours.issuer, identity=bound, second=True)
            signin.login(house, handle="tan", proved=proved)

        town.call(firm, "access.provider_shown", shown)
        town.call(firm, "access.provider_login", sign_in)
        town.do(firm, "provider", "unbind", "tan", who="chen")
        town.do(firm, "provider", "end", who="chen")
    town.call(firm, "access.login", lambda house: towns.log_in(firm, house, "tan"))


def _learn(firm: Firm, made: Answer) -> None:
    uri = urllib.parse.urlparse(made.text("totp_uri"))
    firm.totp["tan"] = urllib.parse.parse_qs(uri.query)["secret"][0]
