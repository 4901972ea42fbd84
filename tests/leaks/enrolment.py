"""The walk's people: a third company founded, staffed and taught by the commands that ask for secrets.

Passphrases are canaries too: they are given in files, and must be nowhere afterwards. Not a test itself.
"""

from __future__ import annotations

import json
import urllib.parse
from datetime import timedelta
from pathlib import Path

from tests.leaks.walk import Walk
from tests.stories.authenticator import Authenticator
from tests.stories.town import Answer, Firm

from tigertally.app.verbs import people as verbs
from tigertally.base.canon import Json
from tigertally.base.clock import SystemClock

ROOT = "Root-Canary-Passphrase-of-the-third-9143"
OWN = {name: f"Own-Canary-Passphrase-of-{name}-5507" for name in ("ren", "gao", "luo", "new")}


def secrets() -> frozenset[str]:
    """What the third company's people type and nobody may keep."""
    return frozenset([ROOT, *OWN.values()])


def enrol(walk: Walk) -> None:
    """Every command about persons and sessions, right and wrong."""
    drawer = walk.base / "drawer"
    drawer.mkdir()
    files = {name: _file(drawer / f"{name}.txt", word) for name, word in {"root": ROOT, **OWN}.items()}
    firm = Firm(home=walk.town.root / "third", unlock=files["root"], totp={})
    words = ("init", "--name", "Third (invented)", "--lead", "ren", "--passphrase-file", files["ren"])
    _learn(firm, "ren", walk.must(firm, *words))
    walk.wrong(firm, *words)
    _log_in(walk, firm, "ren", files["ren"])
    for name, roles in (("gao", "officer"), ("luo", "operator")):
        invited = walk.must(firm, "people", "add", name, "--roles", roles, who="ren").text("code")
        chosen = ("--passphrase-file", files[name])
        walk.wrong(firm, "enrol", name, "--code", "0000-0000", *chosen)
        walk.wrong(
            firm, "enrol", name, "--code", invited, "--passphrase-file", _file(drawer / "weak.txt", "password1234")
        )
        made = walk.must(firm, "enrol", name, "--code", invited, *chosen)
        _learn(firm, name, made)
        walk.wrong(firm, "enrol", name, "--code", invited, *chosen)
        _log_in(walk, firm, name, files[name])
    walk.wrong(firm, "login", "luo", "--passphrase-file", files["gao"], "--code", "000000")
    walk.wrong(firm, "confirm", "luo", "--code", "123", who="luo")
    code = firm.code("ren", SystemClock().now() + timedelta(seconds=30)).expose()
    walk.town.do(firm, "confirm", "ren", "--code", code)
    _taught(walk, firm, drawer)
    walk.town.do(firm, "people", "screen", "luo", "--outcome", "pass", who="ren")
    walk.town.do(firm, "people", "freeze", "luo", "--reason", "investigation", who="gao")
    walk.town.do(firm, "people", "unfreeze", "luo", who="gao")
    walk.town.do(firm, "people", "roles", "luo", "--roles", "operator,auditor", who="ren")
    walk.town.do(firm, "whoami", who="luo")
    signed = _by_oneself(walk, firm, files)
    walk.town.do(firm, "logout", who="luo")
    walk.town.do(firm, "people", "reset", "luo", who="ren")
    walk.wrong(firm, *signed)
    walk.town.do(firm, "people", "disable", "luo", who="ren")
    walk.town.do(firm, "migrate")
    for plain in (
        ("deal", "structures"),
        ("deal", "parties"),
        ("deal", "list"),
        ("deal", "tasks"),
        ("copies", "list", _nothing(walk)),
    ):
        walk.town.tell(firm, *plain)
    walk.town.tell(firm, "copies", "register", _nothing(walk), "1", who="ren")
    walk.town.tell(firm, "deal", "structure", _nothing(walk), "D2", who="ren")
    for file in files.values():
        file.unlink()
    walk.look()


def _by_provider(walk: Walk, firm: Firm, secret: Path) -> None:
    """A sign-in provider is trusted with a secret, does not answer, is shown, bound to, and ended."""
    words = ("provider", "trust", "http://127.0.0.1:1", "--client", "tigertally", "--secret-file", secret)
    walk.wrong(firm, "login", "luo", "--provider")
    walk.wrong(firm, "provider", "trust", "http://login.example", "--client", "x", who="ren")
    walk.town.two(firm, *words, who="ren", second="gao")
    walk.wrong(firm, "login", "luo", "--provider")
    walk.town.two(firm, "provider", "bind", "luo", "--subject", "luo-7", who="ren", second="gao")
    walk.wrong(firm, "provider", "bind", "luo", "--identity", walk.canaries.card, who="ren")
    for as_json in (False, True):
        walk.town.tell(firm, "provider", "show", as_json=as_json)
    walk.town.do(firm, "provider", "unbind", "gao", who="ren")
    walk.town.do(firm, "provider", "end", who="ren")
    walk.wrong(firm, "provider", "end", who="ren")


def _by_oneself(walk: Walk, firm: Firm, files: dict[str, Path]) -> tuple[str | Path, ...]:
    """What luo does about their own means of signing in, and in an emergency; return how they signed in last."""
    walk.town.do(firm, "me", "devices", who="luo")
    walk.town.do(firm, "me", "recovery", who="luo")
    both: tuple[str | Path, ...] = ("--present-file", files["luo"], "--new-file", files["new"])
    walk.must(firm, "me", "passphrase", *both, who="luo")
    walk.wrong(firm, "me", "passphrase", *both, who="luo")
    walk.wrong(firm, "me", "devices", "--end", "nosuch", who="luo")
    recovery = walk.must(firm, "me", "recovery", who="luo").data["recovery"]
    assert isinstance(recovery, list)
    signed: tuple[str | Path, ...] = (
        "login",
        "luo",
        "--passphrase-file",
        files["new"],
        "--recovery",
        "--code",
        str(recovery[0]),
    )
    walk.must(firm, *signed)
    walk.wrong(firm, *signed)
    _learn(firm, "luo", walk.town.do(firm, "me", "factor", who="luo"))
    walk.town.do(firm, "people", "review")
    walk.wrong(firm, "people", "review", "luo", "--keep", "0" * 12, who="ren")
    device = Authenticator(origin="https://tally.example")
    answer = walk.base / "drawer" / "answer.json"
    answer.write_bytes(device.create(walk.town.do(firm, "me", "passkey", "--origin", device.origin, who="luo").data))
    walk.town.do(firm, "me", "passkey", "--answer", answer, who="luo")
    walk.wrong(firm, "me", "passkey", "--answer", answer, who="luo")
    answer.write_bytes(device.get(walk.town.do(firm, "confirm", "luo", "--ask-passkey", device.origin).data))
    walk.town.do(firm, "confirm", "luo", "--passkey", answer)
    walk.wrong(firm, "confirm", "luo", "--passkey", answer)
    held = walk.town.do(firm, "people", "devices", "luo", who="ren").data["items"]
    assert isinstance(held, list)
    (key,) = [str(item["id"]) for item in held if isinstance(item, dict) and item["kind"] == "passkey"]
    walk.town.do(firm, "people", "devices", "luo", "--end", key, who="ren")
    walk.wrong(firm, "people", "devices", "luo", "--end", key, who="ren")
    _by_provider(walk, firm, files["luo"])
    broken = walk.town.two(firm, "glass", "break", "--reason", "order", who="luo", second="gao").data["glass"]
    walk.town.do(firm, "glass", "list")
    walk.town.two(firm, "glass", "review", str(broken), "--verdict", "justified", who="ren", second="gao")
    return signed


def _nothing(walk: Walk) -> str:
    return walk.town.ids["deal"]


def _file(path: Path, word: str) -> Path:
    path.write_text(word + "\n")
    return path


def _learn(firm: Firm, name: str, made: Answer) -> None:
    """Take the one-time-code secret out of the one answer that has it."""
    uri = urllib.parse.urlparse(made.text("totp_uri"))
    firm.totp[name] = urllib.parse.parse_qs(uri.query)["secret"][0]


def _log_in(walk: Walk, firm: Firm, name: str, file: Path) -> None:
    code = firm.code(name, SystemClock().now()).expose()
    walk.must(firm, "login", name, "--passphrase-file", file, "--code", code)


def _taught(walk: Walk, firm: Firm, drawer: Path) -> None:
    """Fail the quiz, then pass it, and sign."""
    right: dict[str, Json] = {
        item.id: [choice.text.en for choice in item.options if choice.right] for item in verbs.quiz().questions
    }
    wrong: dict[str, Json] = {
        item.id: [choice.text.en for choice in item.options if not choice.right][:1] for item in verbs.quiz().questions
    }
    walk.town.do(firm, "people", "train", "--questions")
    for answers, ends in ((wrong, 3), (right, 0)):
        file = _file(drawer / "answers.json", json.dumps(answers, ensure_ascii=False))
        done = walk.town.tell(firm, "people", "train", "--answers", file, who="luo")
        assert done.exit == ends, done.err
    declined = walk.process(firm, "people", "pledge", who="luo", given="n\n")
    assert (declined.exit, "cli.pledge_declined" in declined.err) == (3, True), declined.err
    walk.town.do(firm, "people", "pledge", "--yes", who="luo")
