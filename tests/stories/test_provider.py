"""Signing in through an organisation's provider: a real one, and one that lies about everything."""

from __future__ import annotations

import contextlib
import io
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.stories import providers as served
from tests.stories import town as towns
from tests.stories.providers import CLIENT, Ours
from tests.stories.town import Firm, Town
from tests.unit.formats.tokens import Signer

from tigertally.access.errors import Locked, LoginFailed, NotBound, ProviderRefused, ProviderSilent
from tigertally.access.providers import Proved
from tigertally.app.verbs import signin
from tigertally.app.wire import House
from tigertally.base.secret import SecretText
from tigertally.cli.base import run

BACK = "http://127.0.0.1:8499/signed-in"
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\S+(?=\s)")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    root = tmp_path_factory.mktemp("provider")
    staff = {"chen": "lead", "wang": "officer", "zhao": "operator"}
    firm = towns.settle(root / "firm", staff=staff)
    return Town(root=root, seller=firm, buyer=firm)


@pytest.fixture(scope="module")
def liar() -> Iterator[Ours]:
    with served.ours() as made:
        yield made


def trust(town: Town, issuer: str, *more: str) -> None:
    town.two(
        town.seller, "provider", "trust", issuer, "--client", CLIENT, "--algorithm", "EdDSA", "--algorithm", "RS256",
        *more, who="chen", second="wang",
    )  # fmt: skip


def through(house: House, liar: Ours) -> Proved:
    asked = signin.begin(house, redirect=BACK)
    return signin.prove(house, asked=asked, query=liar.sign_in(asked.address))


def commanded(firm: Firm, *words: str, visit: Callable[[str], str]) -> tuple[int, str, int]:
    """Sign in on a command line: exit code, what was told, and what the page said at the end."""
    heard, codes = io.StringIO(), [-1]

    def work() -> None:
        codes[0] = run(towns.arguments(firm, words))

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(heard):
        running = threading.Thread(target=work)
        running.start()
        while not (found := ADDRESS.search(heard.getvalue())):
            assert running.is_alive(), heard.getvalue()
            running.join(0.02)
        back = visit(found[0])
        page = back.partition("?")[0]
        for wrong in (f"{page}?code=x&state=y", page, f"{page}?state=a&state=b", page.replace("signed-in", "")):
            assert served.get(wrong)[0] == 404
        assert served.get(back.replace("127.0.0.1", "localhost"))[0] == 421
        assert served.get(back, form={})[0] == 405
        status, _, _ = served.get(back)
        running.join()
    return codes[0], heard.getvalue(), status


def test_a_person_signs_in_at_a_real_provider_with_their_code(town: Town) -> None:
    firm = town.seller
    with served.real() as issuer:
        (town.root / "secret.txt").write_text("an-invented secret/+\n")
        trust(town, issuer, "--secret-file", str(town.root / "secret.txt"))

        def visit(address: str) -> str:
            return served.signed_in_at_real(address, subject="zhao-7")

        def sign_in(name: str, code: str = "") -> tuple[int, str]:
            words = ("login", name, "--provider", *(("--code", code) if code else ()))
            exit_code, told, page = commanded(firm, *words, visit=visit)
            assert page == 200, told  # the provider was right; whether that is anybody here comes after
            return exit_code, told

        exit_code, told = sign_in("zhao", "000000")
        assert (exit_code, "access.not_bound" in told) == (3, True)
        identity = re.findall(r"\b[0-9a-f]{64}\b", told)[0]
        assert "zhao-7" not in told
        one = town.two(firm, "provider", "bind", "zhao", "--identity", identity, who="chen", second="wang").data
        two = town.two(firm, "provider", "bind", "zhao", "--subject", "zhao-7", who="chen", second="wang").data
        assert one == two == {"handle": "zhao", "identity": identity}
        taken = town.tell(firm, "provider", "bind", "wang", "--subject", "zhao-7", who="chen")
        town.do(firm, "approve", str(taken.problem["approval"]), who="wang")
        again = town.tell(firm, "provider", "bind", "wang", "--subject", "zhao-7", who="chen")
        assert again.problem["code"] == "access.identity_bound"
        assert town.do(firm, "provider", "show").data["bound"] == {"zhao": identity}
        # It stands in for the passphrase, not for the second factor; and for nobody else.
        assert sign_in("zhao", "000000")[0] == 3
        assert "access.not_bound" in sign_in("wang", "000000")[1]
        with firm.house() as house:
            code = firm.code("zhao", house.clock.now() + timedelta(seconds=30)).expose()
        assert sign_in("zhao", code)[0] == 0
        with firm.house() as house:
            assert firm.actor(house, "zhao").factor_kind == "totp"
        town.do(firm, "provider", "unbind", "zhao", who="chen")
        assert town.tell(firm, "whoami", who="zhao").problem["code"] == "access.not_logged_in"
        assert "access.not_bound" in sign_in("zhao", "000000")[1]


TOLD: tuple[tuple[str, dict[str, object], str], ...] = (
    ("claims", {"iss": "http://127.0.0.1:1"}, "iss"),
    ("claims", {"aud": "other"}, "aud"),
    ("claims", {"aud": [CLIENT, "other"]}, "aud"),
    ("claims", {"azp": "other"}, "azp"),
    ("claims", {"nonce": "of-another-sign-in"}, "nonce"),
    ("claims", {"exp": 1}, "exp"),
    ("claims", {"iat": 1}, "iat"),
    ("claims", {"sub": None}, "sub"),
    ("header", {"alg": "none"}, "alg"),
    ("header", {"alg": "HS256"}, "alg"),
    ("header", {"alg": "ES256"}, "alg"),
    ("header", {"kid": "gone"}, "kid"),
    ("header", {"jku": "http://127.0.0.1:1/keys"}, "header"),
    ("document", {"issuer": "http://127.0.0.1:1"}, "issuer"),
    ("document", {"issuer": None}, "issuer"),
    ("document", {"authorization_endpoint": "http://login.example/a"}, "authorization_endpoint"),
    ("document", {"token_endpoint": "http://login.example/t"}, "token_endpoint"),
    ("document", {"token_endpoint": "file:///etc/passwd"}, "token_endpoint"),
    ("document", {"jwks_uri": None}, "jwks_uri"),
    ("document", {"code_challenge_methods_supported": ["plain"]}, "code_challenge_methods_supported"),
    ("document", {"authorization_response_iss_parameter_supported": True}, "iss"),
    ("answer", {"id_token": None}, "id_token"),
    ("answer", {"token_type": "mac"}, "id_token"),
    ("answer", {"id_token": "x.y"}, "form"),
)
SILENT: tuple[tuple[str, int, bytes], ...] = (
    ("/.well-known/openid-configuration", 404, b"{}"),
    ("/.well-known/openid-configuration", 302, b"{}"),
    ("/.well-known/openid-configuration", 200, b"<html>"),
    ("/.well-known/openid-configuration", 200, b'{"issuer":"a","issuer":"b"}'),
    ("/.well-known/openid-configuration", 200, b" " * 300_000),
    ("/token", 200, b"[]"),
    ("/keys", 500, b"{}"),
)


def test_each_lie_of_a_provider_is_refused_by_name(town: Town, liar: Ours) -> None:
    firm = town.seller
    trust(town, liar.issuer)
    with firm.house() as house:
        honest = through(house, liar)
        assert not honest.second
        for where, lie, named in TOLD:
            getattr(liar, where).update(lie)
            with pytest.raises(ProviderRefused) as refused:
                through(house, liar)
            assert refused.value.details == {"where": named}, (where, lie)
            liar.reset()
        for path, status, body in SILENT:
            liar.raw[path] = (status, body)
            with pytest.raises(ProviderSilent):
                through(house, liar)
            liar.reset()
        for body, named in ((b'{"error":"invalid_grant"}', "invalid_grant"), (b'{"error":"<b>"}', "code")):
            liar.raw["/token"] = (400, body)
            with pytest.raises(ProviderRefused) as refused:
                through(house, liar)
            assert refused.value.details == {"where": named}
            liar.reset()
        liar.published = Signer()  # signed by a key that it does not publish
        liar.header["kid"] = liar.published.public.id
        with pytest.raises(ProviderRefused) as refused:
            through(house, liar)
        assert refused.value.details == {"where": "signature"}
        liar.reset()
        asked = signin.begin(house, redirect=BACK)
        good = liar.sign_in(asked.address)
        answers = (
            (good.replace(asked.state, "y" * 43), "state"), (good + "&state=x", "answer"), ("", "state"),
            (good + "&iss=http%3A%2F%2F127.0.0.1", "iss"), ("code=x", "state"), (f"state={asked.state}", "code"),
            (f"error=access_denied&state={asked.state}", "access_denied"),
            (f"error=%3Cb%3E&state={asked.state}", "code"),
        )  # fmt: skip
        for query, named in answers:
            with pytest.raises(ProviderRefused) as refused:
                signin.prove(house, asked=asked, query=query)
            assert refused.value.details == {"where": named}, query
        assert signin.prove(house, asked=asked, query=good).identity == honest.identity
        with pytest.raises(ProviderRefused):  # a code works once
            signin.prove(house, asked=asked, query=good)
        # A code of another sign-in has another verifier.
        first, second = (signin.begin(house, redirect=BACK) for _ in range(2))
        stolen = liar.sign_in(first.address).replace(first.state, second.state)
        with pytest.raises(ProviderRefused) as refused:
            signin.prove(house, asked=second, query=stolen)
        assert refused.value.details == {"where": "invalid_grant"}


def test_keys_change_and_a_second_factor_counts_only_if_it_was_agreed_and_is_fresh(town: Town, liar: Ours) -> None:
    firm = town.seller
    trust(town, liar.issuer)
    with firm.house() as house:
        asked = signin.begin(house, redirect=BACK)
        assert "max_age" not in asked.address
        liar.key = Signer()  # between discovery and token
        proved = signin.prove(house, asked=asked, query=liar.sign_in(asked.address))
        liar.claims = {"acr": "mfa", "amr": ["otp"], "auth_time": int(time.time())}
        assert not through(house, liar).second
    town.two(firm, "provider", "bind", "zhao", "--identity", proved.identity, who="chen", second="wang")
    trust(town, liar.issuer, "--acr", "mfa", "--amr", "hwk")
    with firm.house() as house:
        asked = signin.begin(house, redirect=BACK)
        assert "prompt=login&max_age=0&acr_values=mfa" in asked.address
        now = int(time.time())
        for said, second in (
            ({"acr": "mfa", "auth_time": now}, True),
            ({"amr": ["pwd", "hwk"], "auth_time": now}, True),
            ({"acr": "mfa"}, False),
            ({"acr": "mfa", "auth_time": now - 60}, False),
            ({"acr": "pwd", "amr": ["pwd"], "auth_time": now}, False),
            ({"auth_time": now}, False),
        ):
            liar.claims = dict(said)
            assert through(house, liar).second is second, said
        liar.claims = {"acr": "mfa", "auth_time": int(time.time())}
        strong = through(house, liar)
        token = signin.login(house, handle="zhao", proved=strong)
        assert token.expose()
        with pytest.raises(NotBound):
            signin.login(house, handle="nobody", proved=strong)
        weak = Proved(issuer=strong.issuer, identity=strong.identity, second=False)
        with pytest.raises(LoginFailed):
            signin.login(house, handle="zhao", proved=weak)
        for _ in range(5):
            with pytest.raises((LoginFailed, Locked)):
                signin.login(house, handle="zhao", proved=weak, code=SecretText("000000"))
        with pytest.raises(Locked):
            signin.login(house, handle="zhao", proved=strong)
    liar.reset()


def test_a_provider_is_trusted_and_ended_by_name(town: Town, liar: Ours, tmp_path: Path) -> None:
    del tmp_path
    firm = town.seller
    for issuer in ("http://login.example", "https://a@login.example", "https://login.example/?x", "ftp://x", "login"):
        answer = town.tell(firm, "provider", "trust", issuer, "--client", CLIENT, who="chen")
        assert answer.problem["code"] == "access.bad_provider", issuer
    begun = town.tell(firm, "provider", "trust", "https://login.example", "--client", CLIENT, who="chen")
    assert begun.unmet == ["second_person"]
    trust(town, liar.issuer)
    with firm.house() as house:
        proved = through(house, liar)
    town.do(firm, "provider", "end", who="chen")
    with firm.house() as house, pytest.raises(Exception, match="no_provider"):
        signin.login(house, handle="zhao", proved=proved)
    assert town.tell(firm, "login", "zhao", "--provider").problem["code"] == "access.no_provider"
