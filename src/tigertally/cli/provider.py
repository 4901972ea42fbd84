"""``provider``: whose word is taken for who somebody is (OpenID Connect), and who that is here."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from tigertally.access.providers import Provider
from tigertally.app.verbs import signin as verbs
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.formats.idtoken import ALGORITHMS


@speak(
    "登录服务（OpenID Connect）：由两人信任，由两人把人员与其中的身份绑定；代替口令，第二因素照旧。",
    "The sign-in provider (OpenID Connect): two persons trust it, two bind each person to an identity there. It stands "
    "in for the passphrase; the second factor stays.",
)
@click.group(name="provider", cls=SpeakingGroup)
def provider_command() -> None:
    """Group the commands about the provider."""


def _body(provider: Provider) -> dict[str, Json]:
    return {
        "issuer": provider.issuer,
        "client": provider.client,
        "algorithms": [*provider.algorithms],
        "acr": [*provider.acr],
        "amr": [*provider.amr],
    }


def _pairs(shell: Shell, provider: Provider) -> None:
    counted = ", ".join((*(f"acr={word}" for word in provider.acr), *(f"amr={word}" for word in provider.amr)))
    shell.pairs(
        [
            (Text("登录服务", "provider"), provider.issuer),
            (Text("客户端编号", "client id"), provider.client),
            (Text("签名算法", "signed with"), ", ".join(provider.algorithms)),
            (Text("可作第二因素", "counts as a second factor"), counted or shell.text_of("无", "nothing")),
        ]
    )


@speak(
    "信任一个登录服务（由两人），代替之前的那个。在该服务处登记为公开客户端（PKCE；若服务要求密钥，用 "
    "--secret-file），回调地址 http://127.0.0.1/signed-in（任意端口）。--acr、--amr：服务的哪些说法可算第二因素"
    "（默认没有）。",
    "Trust a provider (two persons), in place of the one before. Register there as a public client (PKCE; with "
    "--secret-file if it insists on a secret) with the redirect URI http://127.0.0.1/signed-in (any port). --acr, "
    "--amr: what it says that counts as a second factor (nothing by default).",
    "tigertally --as chen provider trust https://login.example --client tigertally",
)
@provider_command.command(name="trust", cls=SpeakingCommand)
@shared
@click.argument("issuer")
@option("--client", required=True, zh="客户端编号", en="client id")
@option(
    "--algorithm",
    "algorithms",
    multiple=True,
    default=("RS256",),
    show_default=True,
    type=click.Choice(ALGORITHMS),
    zh="签名算法（可多次）",
    en="what it signs with (repeatable)",
)
@option("--secret-file", type=click.Path(path_type=Path), zh="客户端密钥文件", en="file with the client's secret")
@option("--acr", multiple=True, zh="可作第二因素的 acr（可多次）", en="an acr that is a second factor (repeatable)")
@option("--amr", multiple=True, zh="可作第二因素的 amr（可多次）", en="an amr that is a second factor (repeatable)")
def trust(
    shell: Shell,
    issuer: str,
    *,
    client: str,
    algorithms: tuple[str, ...],
    secret_file: Path | None,
    acr: tuple[str, ...],
    amr: tuple[str, ...],
) -> None:
    """Trust a provider."""
    wanted = Provider(issuer=issuer, client=client, algorithms=tuple(sorted(set(algorithms))), acr=acr, amr=amr)
    secret = None
    if secret_file is not None:
        secret = shell.secret(file=secret_file, zh="客户端密钥", en="client secret")
    with shell.house(acting=True) as house:
        made = verbs.trust(house, actor=shell.actor(house), provider=wanted, secret=secret)
    shell.result(_body(made), lambda out: _drawn(out, shell, made))


def _drawn(out: Console, shell: Shell, provider: Provider) -> None:
    del out
    _pairs(shell, provider)


@speak(
    "显示信任的登录服务，以及绑定的人员。",
    "Show the provider that is trusted, and who is bound.",
    "tigertally provider show",
)
@provider_command.command(name="show", cls=SpeakingCommand)
@shared
def show(shell: Shell) -> None:
    """Show the provider."""
    with shell.house() as house:
        provider, bound = verbs.trusted(house)

    def drawn(out: Console) -> None:
        _pairs(shell, provider)
        if bound:
            headings = (Text("人员", "person"), Text("身份", "identity"))
            out.print(shell.table(None, headings, [[handle, identity] for handle, identity in bound.items()]))

    shell.result({**_body(provider), "bound": {**bound}}, drawn)


@speak(
    "把人员与登录服务中的一个身份绑定（由两人）。身份编号由本人首次登录时得到；"
    "或用 --subject 给出服务中的 sub。不看邮箱和姓名。",
    "Bind a person to one identity at the provider (two persons). The person learns its number at a first sign-in; or "
    "give the provider's sub with --subject. E-mail addresses and names are not looked at.",
    "tigertally --as chen provider bind zhao --identity 5f3c…",
    "tigertally --as chen provider bind zhao --subject 248289761001",
)
@provider_command.command(name="bind", cls=SpeakingCommand)
@shared
@click.argument("name")
@option("--identity", default="", zh="身份编号（SHA-256）", en="number of the identity (SHA-256)")
@option("--subject", default="", zh="服务中的 sub", en="sub at the provider")
def bind(shell: Shell, name: str, identity: str, subject: str) -> None:
    """Bind a person."""
    if bool(identity) == bool(subject):
        raise click.BadParameter("--identity | --subject", param_hint="--identity")
    with shell.house(acting=True) as house:
        bound = verbs.bind(house, actor=shell.actor(house), handle=name, identity=identity, subject=subject)
    told = shell.text_of(
        "{name} 可经登录服务登录：{identity}", "{name} can sign in there as {identity}", name=name, identity=bound
    )
    shell.result({"handle": name, "identity": bound}, lambda out: out.print(told, markup=False))


@speak(
    "立即解除人员的绑定，并结束其会话。",
    "End a person's binding at once, and their sessions.",
    "tigertally --as chen provider unbind zhao",
)
@provider_command.command(name="unbind", cls=SpeakingCommand)
@shared
@click.argument("name")
def unbind(shell: Shell, name: str) -> None:
    """Unbind a person."""
    with shell.house(acting=True) as house:
        ended = verbs.unbind(house, actor=shell.actor(house), handle=name)
    told = shell.text_of("已解除", "unbound") if ended else shell.text_of("没有绑定", "was not bound")
    shell.result({"handle": name, "ended": ended}, lambda out: out.print(told))


@speak(
    "立即不再信任登录服务；有口令者用口令登录。",
    "Trust the provider no more, at once; who has a passphrase signs in with it.",
    "tigertally --as chen provider end",
)
@provider_command.command(name="end", cls=SpeakingCommand)
@shared
def end(shell: Shell) -> None:
    """End the provider."""
    with shell.house(acting=True) as house:
        was = verbs.distrust(house, actor=shell.actor(house))
    told = shell.text_of("不再信任 {issuer}", "{issuer} is trusted no more", issuer=was.issuer)
    shell.result({"issuer": was.issuer, "ended": True}, lambda out: out.print(told, markup=False))
