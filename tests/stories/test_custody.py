"""Custody as its users meet it: the root key goes to a key server and comes back, by two persons, by commands."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.contract.keepers import kms_server
from tests.contract.keepers.stands import PIN, Server, new_token, running, softhsm
from tests.stories import town as towns
from tests.stories.town import Firm, Town

from tigertally.app import settings
from tigertally.app.keeping import KeeperKind


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation to copy."""
    base = tmp_path_factory.mktemp("custody")
    firm = towns.settle(base / "seller", staff={"chen": "lead", "wang": "officer", "qian": "custodian"})
    assert firm.home == base / "seller"
    (base / "totp.txt").write_text("\n".join(f"{who} {code}" for who, code in firm.totp.items()))
    return base


@pytest.fixture
def town(settled: Path, tmp_path: Path) -> Town:
    """A copy of it; there is no buyer."""
    shutil.copytree(settled, tmp_path / "here")
    lines = (tmp_path / "here" / "totp.txt").read_text().splitlines()
    home = tmp_path / "here" / "seller"
    firm = Firm(home=home, unlock=home.with_name("seller-root.txt"), totp=dict(line.split(" ") for line in lines))
    return Town(root=tmp_path, seller=firm, buyer=firm)


@pytest.fixture
def server() -> Iterator[Server]:
    """A Transit server."""
    with running("transit_server") as made:
        yield made


def unlocked_by(town: Town, name: str, secret: str) -> Firm:
    """The same firm, opened by something else."""
    file = town.root / name
    file.write_text(secret + "\n")
    return Firm(home=town.seller.home, unlock=file, totp=town.seller.totp)


def to_transit(town: Town, server: Server) -> tuple[list[str], Firm]:
    after = unlocked_by(town, "token.txt", "invented-token")
    words = ["custody", "move", "--to", "transit", "--with", f"address=http://127.0.0.1:{server.port}"]
    return [*words, "--with", "key=root", "--new-unlock-file", str(after.unlock)], after


def test_the_root_key_goes_to_a_server_and_comes_back(town: Town, server: Server) -> None:
    before = town.do(town.seller, "custody", "show").data
    assert before["keeper"] == {"kind": "passphrase"}
    words, after = to_transit(town, server)
    moved = town.two(town.seller, *words, who="chen", second="wang")
    assert moved.data["keys"] == before["keys"]
    told = town.do(after, "custody", "show").data
    assert told["keeper"] == {"address": f"http://127.0.0.1:{server.port}", "key": "root", "kind": "transit"}
    assert told["root"] != before["root"]
    town.do(after, "fsck")
    listed = town.do(after, "keys", "list").data["items"]
    assert isinstance(listed, list)
    assert {str(item["custodian"]) for item in listed if isinstance(item, dict)} == {
        f"transit http://127.0.0.1:{server.port} root"
    }
    # The file that had it opens nothing here any more, even put back into the settings by hand.
    town.tell(town.seller, "custody", "show")
    place = town.seller.home / settings.SETTINGS_NAME
    kept = place.read_text()
    place.write_text(kept[: kept.index("[keeper]")])
    assert town.tell(town.seller, "keys", "list").problem["code"] == "vault.custody_moved"
    place.write_text(kept)
    back = unlocked_by(town, "again.txt", "another long and invented root")
    words = [
        "custody",
        "move",
        "--to",
        "passphrase",
        "--with",
        "file=root-2.key",
        "--new-unlock-file",
        str(back.unlock),
    ]
    town.two(after, *words, who="chen", second="wang")
    assert town.do(back, "custody", "show").data["keeper"] == {"file": "root-2.key", "kind": "passphrase"}
    assert town.do(back, "fsck").exit == 0


def test_a_crash_between_database_and_settings_is_made_good(town: Town, server: Server) -> None:
    words, after = to_transit(town, server)
    place = town.seller.home / settings.SETTINGS_NAME
    before = place.read_text()
    town.two(town.seller, *words, who="chen", second="wang")
    done = place.read_text()
    place.write_text(before + done[done.index("[keeper]") :].replace("[keeper]", "[keeper_next]"))
    assert settings.load(town.seller.home).keeper.kind is KeeperKind.PASSPHRASE
    assert town.do(after, "custody", "show").data["moving_to"] is None
    assert place.read_text() == done


def test_a_server_that_goes_away_is_named_and_nothing_is_lost(town: Town, server: Server) -> None:
    words, after = to_transit(town, server)
    server.set(revoked=True)
    begun = town.tell(town.seller, *words, who="chen")
    town.do(town.seller, "approve", str(begun.problem["approval"]), who="wang")
    assert town.tell(town.seller, *words, who="chen").problem["code"] == "vault.keeper_denies"
    assert town.do(town.seller, "custody", "show").data["moving_to"] is None
    server.set()
    town.two(town.seller, *words, who="chen", second="wang")
    server.set(mode="sealed")
    refused = town.tell(after, "keys", "list")
    assert (refused.exit, refused.problem["code"]) == (6, "vault.keeper_unavailable")
    server.set()
    town.do(after, "fsck")


def test_one_person_moves_nothing_and_neither_does_an_officer(town: Town, server: Server) -> None:
    words, _ = to_transit(town, server)
    assert town.tell(town.seller, *words, who="chen").unmet == ["second_person"]
    assert "role" in town.tell(town.seller, *words, who="wang").unmet


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (["--with", "address=http://vault.example", "--with", "key=root"], "vault.bad_keeper"),
        (["--with", "key=root"], "cli.bad_keeper_option"),
        (["--with", "address", "--with", "key=root"], "cli.bad_keeper_option"),
        (["--with", "colour=red"], "cli.bad_keeper_option"),
    ],
)
def test_settings_that_make_no_sense_are_refused(town: Town, server: Server, given: list[str], code: str) -> None:
    _, after = to_transit(town, server)
    words = ["custody", "move", "--to", "transit", *given, "--new-unlock-file", str(after.unlock)]
    answer = town.tell(town.seller, *words, who="chen")
    if answer.problem["code"] == "access.not_allowed":
        town.do(town.seller, "approve", str(answer.problem["approval"]), who="wang")
        answer = town.tell(town.seller, *words, who="chen")
    assert (answer.exit, answer.problem["code"]) == (2, code)


def test_an_installation_begins_with_a_key_service(tmp_path: Path) -> None:
    with running("kms_server") as server:
        unlock, own = tmp_path / "aws.txt", tmp_path / "own.txt"
        unlock.write_text(f"{kms_server.ACCESS}:{kms_server.SECRET}\n")
        own.write_text("long-and-invented-chen\n")
        words = ["--home", tmp_path / "home", "--unlock-file", unlock, "--passphrase-file", own, "--json"]
        asked = ["init", "--name", "X", "--lead", "chen", "--keeper", "kms", "--with", f"region={kms_server.REGION}"]
        address = f"http://127.0.0.1:{server.port}"
        made = towns.process(
            map(str, [*asked, "--with", f"key={kms_server.ROOT}", "--with", f"address={address}", *words]), cwd=tmp_path
        )
        assert made.exit == 0, made.err
        assert not (tmp_path / "home" / "root.key").exists()
        shown = towns.process(map(str, ["custody", "show", *words[:4], "--json"]), cwd=tmp_path)
        assert shown.data["keeper"] == {
            "address": address,
            "key": kms_server.ROOT,
            "kind": "kms",
            "region": kms_server.REGION,
        }
        # The usual variables do as well; the credentials are in nothing that was written.
        extra = {"AWS_ACCESS_KEY_ID": kms_server.ACCESS, "AWS_SECRET_ACCESS_KEY": kms_server.SECRET}
        again = towns.process(
            map(str, ["keys", "list", "--home", tmp_path / "home", "--json"]), cwd=tmp_path, extra=extra
        )
        assert again.exit == 0, again.err
        for path in (tmp_path / "home").rglob("*"):
            assert not path.is_file() or kms_server.SECRET.encode() not in path.read_bytes(), path


def test_a_keeper_that_is_not_there_leaves_no_installation_behind(tmp_path: Path) -> None:
    unlock = tmp_path / "token.txt"
    unlock.write_text("invented\n")
    words = ["init", "--name", "X", "--lead", "chen", "--keeper", "transit", "--with", "address=http://127.0.0.1:1"]
    rest = ["--with", "key=root", "--home", tmp_path / "home", "--unlock-file", unlock, "--passphrase-file", unlock]
    answer = towns.process(map(str, [*words, *rest, "--json", "--lang", "en"]), cwd=tmp_path)
    assert (answer.exit, answer.problem["code"]) == (6, "vault.keeper_unavailable")
    assert list((tmp_path / "home").iterdir()) == []


def test_the_database_cannot_send_a_credential_elsewhere(town: Town, server: Server) -> None:
    words, after = to_transit(town, server)
    town.two(town.seller, *words, who="chen", second="wang")
    with closing(sqlite3.connect(town.seller.home / "tigertally.db")) as edited, edited:
        edited.execute("UPDATE vault_custody SET keeper = ?, root = ?", ("00" * 32, "11" * 16))
    assert town.do(after, "keys", "list").exit == 0


def test_the_root_key_goes_into_a_token_and_a_wrong_pin_is_named(town: Town, tmp_path: Path) -> None:
    module, label = softhsm(), tmp_path.name[-20:]
    place = new_token(label)
    after = unlocked_by(town, "pin.txt", PIN)
    words = ["custody", "move", "--to", "pkcs11", "--with", f"module={module}", "--with", f"token={label}"]
    words += ["--with", "key=tigertally", "--new-unlock-file", str(after.unlock)]
    town.two(town.seller, *words, who="chen", second="wang")
    town.do(after, "fsck")
    wrong = town.tell(unlocked_by(town, "wrong.txt", "000000"), "keys", "list")
    assert (wrong.exit, wrong.problem["code"]) == (3, "vault.keeper_denies")
    shutil.move(place, tmp_path / "drawer")
    gone = town.tell(after, "keys", "list")
    assert (gone.exit, gone.problem["code"]) == (6, "vault.keeper_unavailable")
    shutil.move(tmp_path / "drawer", place)
    # The module looks for tokens when a process begins.
    back = towns.process(towns.arguments(after, ["keys", "list"]), cwd=tmp_path)
    assert back.exit == 0, back.err
