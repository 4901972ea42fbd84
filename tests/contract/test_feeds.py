"""Each kind of feed, to a receiver that is a process of its own: all at least once, in order, holding up nobody."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.contract.keepers.stands import certificate as make_certificate
from tests.stories import town as towns
from tests.stories.town import Firm

from tigertally.app import feeds
from tigertally.app.errors import BadFeeds
from tigertally.app.verbs import feeding
from tigertally.app.wire import House
from tigertally.base.text import Text
from tigertally.ledger import Event, register_event, sql

MADE = register_event("feeds.thing.made", Text("制造", "a thing was made"), "number")
RECEIVER = Path(__file__).with_name("receiver.py")
SECRET = "long-and-invented-hook"
# RFC 5424 §6, as far as these messages use it.
SYSLOG = re.compile(
    r"<110>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z [!-~]{1,255} tigertally - [!-~]{1,32} "
    r"\[ledger@32473 entry=\"(\d+)\" kind=\"([^\"\\\]]+)\" actor=\"([0-9a-f]*)\" about=\"([0-9a-f ]*)\" "
    r"leaf=\"([0-9a-f]{64})\"\] \ufeff(.+)"
)


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Firm:
    """An installation with some entries."""
    return towns.settle(tmp_path_factory.mktemp("feeds") / "seller", staff={"chen": "lead", "wang": "officer"})


@pytest.fixture
def house(firm: Firm) -> Iterator[House]:
    """It, opened; without feeds and cursors of other tests."""
    (firm.home / feeds.FEEDS_NAME).unlink(missing_ok=True)
    with firm.house() as opened:
        yield opened


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A receiver's certificate, for 127.0.0.1, and its key."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


@contextmanager
def receiving(kind: str, certificate: tuple[Path, Path], out: Path, *more: str) -> Iterator[int]:
    """A receiver; gives its port."""
    words = [sys.executable, str(RECEIVER), kind, *map(str, certificate), str(out), *more]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def write(house: House, certificate: tuple[Path, Path], **urls: str) -> None:
    home = house.settings.home
    (home / "hook.txt").write_text(SECRET + "\n")
    tables = []
    for name, url in urls.items():
        rest = f'ca = "{certificate[0]}"\n' + ('secret_file = "hook.txt"\n' if url.startswith("http") else "")
        tables.append(f'[{name}]\nurl = "{url}"\n{rest}')
    (home / feeds.FEEDS_NAME).write_text("\n".join(tables))


def grow(house: House, count: int) -> int:
    """Append entries; return the ledger's size."""
    now = house.clock.now()
    with house.store.transaction() as tx:
        batch = [Event(kind=MADE, payload={"number": at}, about=("sub_x", "sub_y")) for at in range(count)]
        return house.ledger.append_many(tx, batch, now=now).stop


def leaf_hashes(house: House) -> list[str]:
    with house.store.reading() as tx:
        return [item.hex() for item in sql.read_leaf_hashes(tx, start=0, stop=sql.read_head(tx).size)]


@pytest.mark.parametrize("more", [(), ("--rude",), ("--fail", "2")])
def test_syslog_over_tls(house: House, certificate: tuple[Path, Path], tmp_path: Path, more: tuple[str, ...]) -> None:
    name = f"siem{len(more)}{len(''.join(more))}"
    size = grow(house, 700)
    with receiving("syslog", certificate, tmp_path / "out", *more) as port:
        write(house, certificate, **{name: f"syslog+tls://127.0.0.1:{port}"})
        (found,) = feeding.feed_once(house)
        while found.failed:
            (found,) = feeding.feed_once(house)
        assert (found.delivered, found.size, found.failed) == (size, size, "")
    seen = [SYSLOG.fullmatch(line) for line in (tmp_path / "out").read_text("utf-8").splitlines()]
    told = {int(match.group(1)): match.group(5) for match in seen if match}
    assert None not in seen
    assert [told[at] for at in range(size)] == leaf_hashes(house)
    assert "sub_x" not in (tmp_path / "out").read_text("utf-8")
    assert [standing.delivered for standing in feeding.standing(house)] == [size]


def test_a_webhook_that_fails_at_first(house: House, certificate: tuple[Path, Path], tmp_path: Path) -> None:
    size = grow(house, 1200)
    with receiving("webhook", certificate, tmp_path / "out", "--fail", "1") as port:
        write(house, certificate, hook=f"https://127.0.0.1:{port}/in?x=1")
        (failed,) = feeding.feed_once(house)
        assert (failed.failed, failed.delivered) == ("status 503", 0)
        (found,) = feeding.feed_once(house)
        assert (found.delivered, found.failed) == (size, "")
    entries = []
    for line in (tmp_path / "out").read_text().splitlines():
        taken = json.loads(line)
        stamp, digest = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", taken["headers"]["Tigertally-Signature"]).groups()  # type: ignore[union-attr]
        wanted = hmac.new(SECRET.encode(), f"{stamp}.{taken['body']}".encode(), hashlib.sha256)
        assert hmac.compare_digest(wanted.hexdigest(), digest)
        entries += json.loads(taken["body"])["entries"]
    assert [entry["entry"] for entry in entries] == list(range(size))
    assert [entry["leaf"] for entry in entries] == leaf_hashes(house)


def test_ocsf_lines_stay_whole_after_a_crash(house: House, certificate: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "ocsf.jsonl"
    out.write_text('{"cut off by a cra')
    size = grow(house, 3)
    write(house, certificate, lake=f"file://{out}")
    assert feeding.feed_once(house)[0].delivered == size
    first, *lines = out.read_text("utf-8").splitlines()
    assert first.startswith('{"cut')
    events = [json.loads(line) for line in lines]
    assert [event["metadata"]["sequence"] for event in events] == list(range(size))
    for event in events:
        assert (event["class_uid"], event["category_uid"], event["type_uid"]) == (6003, 6, 600399)
        assert {"activity_id", "severity_id", "time", "actor", "api", "src_endpoint"} <= event.keys()
        assert event["metadata"]["product"]["name"] == "Tigertally"
    assert feeding.feed_once(house)[0].delivered == size
    assert len(out.read_text("utf-8").splitlines()) == size + 1, "nothing new, nothing written"


def test_who_cannot_be_trusted_gets_nothing(house: House, certificate: tuple[Path, Path], tmp_path: Path) -> None:
    """The receiver's certificate is not one that the feed trusts."""
    with receiving("syslog", certificate, tmp_path / "out") as port:
        (house.settings.home / feeds.FEEDS_NAME).write_text(f'[bad]\nurl = "syslog+tls://127.0.0.1:{port}"\n')
        (found,) = feeding.feed_once(house)
        assert (found.delivered, found.failed) == (0, "SSLCertVerificationError")
    assert not (tmp_path / "out").exists()


def test_a_slow_receiver_holds_up_neither_verbs_nor_other_feeds(
    house: House, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    with receiving("webhook", certificate, tmp_path / "slow", "--slow", "3") as port:
        write(house, certificate, slow=f"https://127.0.0.1:{port}/", quick=f"file://{tmp_path / 'quick.jsonl'}")
        stop = threading.Event()
        feeder = threading.Thread(
            target=feeding.feed_for_ever, args=(house,), kwargs={"every_s": 0.05, "stop": stop}, daemon=True
        )
        feeder.start()
        size = 0
        try:
            for _ in range(20):
                size = grow(house, 1)
            deadline, taken = time.monotonic() + 20, 0
            while taken < size and time.monotonic() < deadline:
                taken = next(item.delivered for item in feeding.standing(house) if item.name == "quick")
            assert taken == size
            slow = next(item.delivered for item in feeding.standing(house) if item.name == "slow")
            assert slow < size, "still busy with the slow one, and everything else went on"
        finally:
            stop.set()
            feeder.join()


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "[a]\n",
        '[a]\nurl = "syslog+tls://"\n',
        '[a]\nurl = "http://example.com/"\nsecret_file = "hook.txt"\n',
        '[a]\nurl = "https://example.com/"\n',
        '[a]\nurl = "https://example.com/"\nsecret_file = "none.txt"\n',
        '[a]\nurl = "https://example.com/"\nsecret_file = "short.txt"\n',
        '[a]\nurl = "ftp://example.com/"\n',
        '[a]\nurl = "file://host/x"\n',
        '[a]\nurl = "file:///x"\nca = "none.pem"\n',
        '[a]\nurl = "file:///x"\nother = "x"\n',
        "[a]\nurl = 3\n",
        '[A_b]\nurl = "file:///x"\n',
        'a = "file:///x"\n',
    ],
)
def test_what_is_no_feed_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "hook.txt").write_text(SECRET)
    (tmp_path / "short.txt").write_text("short")
    (tmp_path / feeds.FEEDS_NAME).write_text(text)
    with pytest.raises(BadFeeds):
        feeds.load(tmp_path)


def test_from_the_command_line(firm: Firm, tmp_path: Path) -> None:
    town = towns.Town(root=tmp_path, seller=firm, buyer=firm)
    out = tmp_path / "x.jsonl"
    (firm.home / feeds.FEEDS_NAME).write_text(f'[cli]\nurl = "file://{out}"\n')
    ran = town.do(firm, "feed", "run").data["items"]
    assert isinstance(ran, list)
    assert town.do(firm, "feed", "status").data["items"] == ran
    (firm.home / feeds.FEEDS_NAME).write_text(f'[gone]\nurl = "file://{tmp_path}/none/x.jsonl"\n')
    assert town.tell(firm, "feed", "run").exit == 6
    assert "FileNotFoundError" in town.told[-1].out
