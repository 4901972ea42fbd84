"""Killed at every step of bundle, receive and destroy, then run again: nothing lost, nothing doubled.

A fork server imports everything once; each child opens the scene itself, does the act and kills itself at step n.
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
import signal
from pathlib import Path

import pytest
from tests.faults.handover_acts import FULL, act, disk_full, killed_at
from tests.unit.handover.scene import CLASSES, Scene, make_scene, open_scene, plan_of

from tigertally import handover
from tigertally.formats import certificate, manifest, statement

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.faults.handover_acts"])
STEPS_MAX = 40


def run_child(target: object, *arguments: object) -> int | None:
    """Run a function in a child process; return its exit code."""
    child = CONTEXT.Process(target=target, args=arguments)  # type: ignore[arg-type]
    child.start()
    child.join(60)
    return child.exitcode


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """A scene with a release that both companies signed, to copy."""
    home = tmp_path_factory.mktemp("released") / "home"
    home.mkdir()
    for name in ("seller", "buyer"):
        shutil.copyfile(sqlite_template, home / f"{name}.db")
    make_scene(home, seller_url="sqlite:///seller.db", buyer_url="sqlite:///buyer.db")
    with open_scene(home) as scene:
        scene.release()
    return home


@pytest.fixture
def home(released: Path, tmp_path: Path) -> Path:
    """This test's own scene. It stays where it is: the bundle's place is in the seller's books."""
    return Path(shutil.copytree(released, tmp_path / "home"))


def approve(scene: Scene, home: Path) -> None:
    """Accept the receipt and have two persons approve the destruction."""
    scene.accept_receipt(scene.receive())
    signers = [[item.person, item.act, item.entry] for item in scene.seller.signers()]
    (home / "approved.json").write_text(json.dumps({"digest": plan_of(scene.seller).digest(), "signers": signers}))


def prepare(home: Path, name: str) -> None:
    """Bring the scene to where the act ``name`` begins."""
    with open_scene(home) as scene:
        if name != "write":
            scene.write()
        if name == "destroy":
            approve(scene, home)


def check_written(scene: Scene) -> None:
    names = sorted(path.name for path in scene.folder.iterdir())
    assert names == ["manifest.json", *[f"part-0000{n}.env" for n in range(3)], "party.json", "release.json"]
    wanted = ["handover.bundle.started", *["handover.part.written"] * 3, "handover.bundle.written"]
    assert scene.seller.events(*set(wanted)) == wanted
    scene.accept_receipt(scene.receive())


def check_received(scene: Scene) -> None:
    assert scene.buyer.held() == (40, dict.fromkeys(CLASSES, 40))
    wanted = ["handover.bundle.verified", *["handover.part.stored"] * 3, "handover.bundle.received"]
    assert scene.buyer.events(*set(wanted)) == wanted
    scene.accept_receipt(scene.receive())


def check_destroyed(scene: Scene) -> None:
    assert scene.seller.held() == (0, {})
    assert not scene.folder.exists()
    with scene.seller.store.reading() as tx:
        paper = certificate.read(handover.certificate_of(tx, terms=scene.seller.terms))
    assert (paper.subjects, paper.rows, paper.failed_opening) == (40, {"vault": 43}, True)
    assert [copy.verified for copy in paper.copies] == [True]
    once = ["handover.destruction.started", "handover.copy.deleted", "handover.certificate.signed"]
    assert scene.seller.events(*once) == once
    assert scene.seller.events("vault.key.destroyed") == ["vault.key.destroyed"] * 4


def register_again(home: Path) -> None:
    """The restored bundle folder is another one on the disk than the one that was registered."""
    with open_scene(home) as scene, scene.seller.store.transaction() as tx:
        handover.register_copy(
            tx,
            scene.seller.ledger,
            deal=scene.seller.terms.deal,
            place=scene.folder,
            kind=handover.CopyKind.BUNDLE,
            fate=handover.Fate.DELETE,
            actor=scene.seller.persons[0],
            now=scene.seller.clock.now(),
        )


CHECKS = {"write": check_written, "receive": check_received, "destroy": check_destroyed}


@pytest.mark.parametrize("name", list(CHECKS))
def test_killed_at_every_step(home: Path, name: str, tmp_path: Path) -> None:
    prepare(home, name)
    before = shutil.copytree(home, tmp_path / "before")
    steps: list[str] = []
    act(home, name, steps.append)
    assert 8 < len(steps) < STEPS_MAX
    for number, step in enumerate(steps, start=1):
        shutil.rmtree(home)
        shutil.copytree(before, home)
        if name == "destroy":
            register_again(home)
        assert run_child(killed_at, home, name, number) == -signal.SIGKILL, step
        with open_scene(home) as scene:
            scene.seller.assert_sound()
            scene.buyer.assert_sound()
        act(home, name, lambda _: None)
        with open_scene(home) as scene:
            CHECKS[name](scene)
            scene.seller.assert_sound()
            scene.buyer.assert_sound()


def test_killed_again_and_again(home: Path) -> None:
    """Each run gets a little further than the last; the end is the same."""
    for name in CHECKS:
        if name == "destroy":
            with open_scene(home) as scene:
                approve(scene, home)
        runs = 1
        while (code := run_child(killed_at, home, name, 4)) != 0:
            assert code == -signal.SIGKILL
            assert runs < STEPS_MAX, "it makes no progress"
            runs += 1
        assert runs > 2
    with open_scene(home) as scene:
        check_destroyed(scene)
        scene.seller.assert_sound()
        scene.buyer.assert_sound()


def test_a_full_disk(home: Path) -> None:
    assert run_child(disk_full, home, 2_000) == FULL
    with open_scene(home) as scene:
        assert list(scene.folder.iterdir()) == []
        scene.seller.assert_sound()
        signed = scene.write()
        paper = manifest.read(signed)
        assert paper.subjects == 40
        assert statement.parse((scene.folder / "manifest.json").read_bytes()) == signed
        check_written(scene)
