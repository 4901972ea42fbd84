"""The line to a sign-in provider: OpenID Connect's authorization code flow with PKCE, for a program on one's machine.

RFC 8252: the person's browser goes to the provider and comes back to a page on the loopback interface; the program is a
public client, or one whose secret the installation seals (RFC 6749 §2.3.1). 1. :func:`begin` reads the provider's
discovery document, whose issuer must be the one that was agreed to, and draws state, nonce and a verifier (RFC 7636,
S256). 2. :func:`finish` takes the query that the browser came back with: its state must be ours, its ``iss`` (RFC 9207)
the provider's; the code is exchanged, and the ID token verified with the keys that the provider has now, which were
asked for after the token, so that a key changed in between is known. Of the answer only the ID token is used.

TLS 1.2 or later with verified certificates, except for a provider on this very machine; no redirect is followed; what
comes back is bounded in length, each wait in time. ``SSL_CERT_FILE`` names an organisation's own authority.
"""

from __future__ import annotations

import base64
import http.client
import secrets
import ssl
import urllib.parse
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.access.errors import BadProvider, ProviderRefused, ProviderSilent
from tigertally.access.providers import Provider, need_address
from tigertally.base.canon import Json
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto.digest import same, sha256
from tigertally.crypto.errors import SignatureInvalid
from tigertally.formats import idtoken, jws
from tigertally.formats.errors import Malformed
from tigertally.formats.idtoken import Expected, IdToken

TIMEOUT_S: Final = 15
BYTES_MAX: Final = 262_144
_DISCOVERY: Final = "/.well-known/openid-configuration"
_FORM: Final = "application/x-www-form-urlencoded"
# What a provider may say went wrong (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6); other words are not repeated.
_ERRORS: Final = frozenset(
    {
        "access_denied", "interaction_required", "invalid_client", "invalid_grant", "invalid_request", "invalid_scope",
        "login_required", "server_error", "temporarily_unavailable", "unauthorized_client",
        "unsupported_response_type",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A sign-in under way: where the browser goes, and what must come back."""

    provider: Provider
    address: str
    redirect: str
    state: str
    nonce: str
    verifier: SecretText
    token_endpoint: str
    keys: str
    names_issuer: bool
    at: datetime


def begin(provider: Provider, *, redirect: str, now: datetime) -> Asked:
    """Return a sign-in to be gone through in a browser that comes back to ``redirect``.

    Raises ``ProviderSilent``, ``ProviderRefused``.
    """
    document = _json(provider.issuer.rstrip("/") + _DISCOVERY, where="discovery")
    if document.get("issuer") != provider.issuer:
        raise ProviderRefused(where="issuer")
    methods = document.get("code_challenge_methods_supported", ["S256"])
    if not isinstance(methods, list) or "S256" not in methods:
        raise ProviderRefused(where="code_challenge_methods_supported")
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    asked = {
        "response_type": "code",
        "client_id": provider.client,
        "redirect_uri": redirect,
        "scope": "openid",
        "state": state,
        "nonce": nonce,
        "code_challenge": jws.to_b64url(sha256(verifier.encode())),
        "code_challenge_method": "S256",
    }
    if provider.counts:  # what counts as a second factor is shown now, not remembered from this morning
        asked |= {"prompt": "login", "max_age": "0"}
        asked |= {"acr_values": " ".join(provider.acr)} if provider.acr else {}
    address = _endpoint(provider, document, "authorization_endpoint")
    joined = "&" if urllib.parse.urlsplit(address).query else "?"
    return Asked(
        provider=provider,
        address=address + joined + urllib.parse.urlencode(asked),
        redirect=redirect,
        state=state,
        nonce=nonce,
        verifier=SecretText(verifier),
        token_endpoint=_endpoint(provider, document, "token_endpoint"),
        keys=_endpoint(provider, document, "jwks_uri"),
        names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        at=now,
    )


def finish(asked: Asked, query: str, *, secret: SecretBytes | None = None) -> tuple[bytes, bytes]:
    """Return the ID token and the provider's keys, neither verified, for what the browser came back with.

    Raises ``ProviderSilent``, ``ProviderRefused``.
    """
    code = _code(asked, query)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": asked.redirect,
        "client_id": asked.provider.client,
        "code_verifier": asked.verifier.expose(),
    }
    answer = _json(asked.token_endpoint, where="token", form=form, basic=_basic(asked.provider.client, secret))
    token = answer.get("id_token")
    if str(answer.get("token_type")).lower() != "bearer" or not isinstance(token, str):
        raise ProviderRefused(where="id_token")
    return token.encode(), _fetched(asked.keys, where="keys")[1]


def verified(asked: Asked, *, token: bytes, keys: bytes, now: datetime) -> IdToken:
    """Return what an ID token says. Raises ``ProviderRefused`` with the first thing wrong."""
    provider = asked.provider
    expected = Expected(
        issuer=provider.issuer, client=provider.client, nonce=asked.nonce, algorithms=provider.algorithms
    )
    try:
        return idtoken.read(token, expected=expected, keys=jws.key_set(keys), now=now)
    except Malformed as problem:
        raise ProviderRefused(where=problem.details["where"]) from None
    except SignatureInvalid:
        raise ProviderRefused(where="signature") from None


def _code(asked: Asked, query: str) -> str:
    try:
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=16)
    except ValueError:
        raise ProviderRefused(where="answer") from None
    given = dict(pairs)
    if len(given) != len(pairs):
        raise ProviderRefused(where="answer")
    if not same(given.get("state", "").encode(), asked.state.encode()):
        raise ProviderRefused(where="state")
    if given.get("iss", "" if asked.names_issuer else asked.provider.issuer) != asked.provider.issuer:
        raise ProviderRefused(where="iss")
    if "error" in given or not given.get("code"):
        raise ProviderRefused(where=_said(given.get("error")))
    return given["code"]


def _basic(client: str, secret: SecretBytes | None) -> str:
    """Return how a client that has a secret shows it (RFC 6749 §2.3.1); "" for one that has none."""
    if secret is None:
        return ""
    words = [urllib.parse.quote_plus(part) for part in (client.encode(), secret.expose())]
    return base64.b64encode(":".join(words).encode()).decode()


def _said(error: Json) -> str:
    return error if isinstance(error, str) and error in _ERRORS else "code"


def _endpoint(provider: Provider, document: dict[str, Json], name: str) -> str:
    address = document.get(name)
    try:
        need_address(address if isinstance(address, str) else "")
    except BadProvider:
        raise ProviderRefused(where=name) from None
    # What is reached by TLS does not send us to where there is none.
    if urllib.parse.urlsplit(provider.issuer).scheme == "https" and not str(address).startswith("https://"):
        raise ProviderRefused(where=name)
    return str(address)


def _json(address: str, *, where: str, form: dict[str, str] | None = None, basic: str = "") -> dict[str, Json]:
    status, data = _fetched(address, where=where, form=form, basic=basic)
    try:
        found = jws.object_of(data, what=where)
    except Malformed:
        raise ProviderSilent(where=where) from None
    if status != http.client.OK:
        raise ProviderRefused(where=_said(found.get("error")))
    return found


def _fetched(address: str, *, where: str, form: dict[str, str] | None = None, basic: str = "") -> tuple[int, bytes]:
    """Return status and body of one request; only answers to a form may be other than 200."""
    parts = urllib.parse.urlsplit(address)
    host, path = parts.hostname or "", urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    headers = {"Accept": "application/json"} | ({"Content-Type": _FORM} if form else {})
    headers |= {"Authorization": f"Basic {basic}"} if basic else {}
    body = urllib.parse.urlencode(form).encode() if form else None
    try:
        connection = (
            http.client.HTTPSConnection(host, parts.port, timeout=TIMEOUT_S, context=_tls())
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_S)
        )
        try:
            connection.request("POST" if form else "GET", path, body=body, headers=headers)
            with connection.getresponse() as answer:
                status, data = answer.status, answer.read(BYTES_MAX + 1)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError):
        raise ProviderSilent(where=where) from None
    if len(data) > BYTES_MAX or (status != http.client.OK and not form):
        raise ProviderSilent(where=where)
    return status, data


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
