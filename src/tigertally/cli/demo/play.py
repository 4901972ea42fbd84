"""The play: a fictional shop is sold, act by act, each by the commands a user would type.

Seller 云杉优选: chen (lead), wang (officer), qian (custodian), zhao (operator). Buyer 远帆零售: sun (lead), li
(officer). Passphrases are written to files in the demo's folder, which real installations never do.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tigertally import people
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.base.text import Text
from tigertally.cli.demo.stage import House, Stage
from tigertally.deals import route_rules
from tigertally.testing.estate import ORDERS_DB, build
from tigertally.testing.truth import Truth

SELLER: Final = Text("云杉优选", "Yunshan Youxuan")
BUYER: Final = Text("远帆零售", "Yuanfan Retail")
_WAIVED_SELLER: Final = ("notices", "consents", "contract_consents", "drill")
_YES: Final = frozenset({"sensitive", "card_data", "consent_based"})


@dataclass(slots=True, kw_only=True)
class Story:
    """What the play learned on its way, for the report."""

    truth: Truth
    found: dict[str, Json]
    sealed: dict[str, Json]
    protected: dict[str, Json]
    rescanned: dict[str, Json]
    bundled: dict[str, Json]
    received: dict[str, Json]
    certificate: dict[str, Json]
    measures: dict[str, Json]
    pasting: str
    verified: list[tuple[str, dict[str, Json]]]


def perform(stage: Stage, *, customers: int) -> Story:  # noqa: PLR0915 - a play is read from top to bottom
    """Play everything; return what there is to tell."""
    out = stage.out
    seller = _house(out, "seller", SELLER)
    buyer = _house(out, "buyer", BUYER)
    exchange = out / "exchange"
    exchange.mkdir()
    estate = out / "estate"
    stage.console.print(stage.pasting(seller, buyer), markup=False)

    stage.begin("一、一家网店和它散落各处的客户数据", "1. An online shop, and its customers' data lying about")
    truth = build(estate, customers=customers)
    stage.say(
        "生成 {n} 名虚构客户、{o} 个文件和归档成员",
        "{n} fictional customers in {o} files and archive members",
        n=truth.customers,
        o=len(truth.objects),
    )

    stage.begin("二、发现：有什么、在哪里、多确定", "2. Discover: what, where, how sure")
    found = stage.do(None, "discover", estate)
    _tell_found(stage, found)

    stage.begin(
        "三、转让方建立安装实例；人员培训、审查、承诺",
        "3. The seller's installation; people trained, screened, pledged",
    )
    _install(stage, seller, lead="chen", others={"wang": "officer", "qian": "custodian", "zhao": "operator"})
    inventory = out / "inventory.json"
    stage.do(seller, "discover", estate, "--out", inventory, "--record", who="chen")
    deal = str(
        _first(stage.do(seller, "deal", "open", "--title", "Yunshan Youxuan", "--structure", "D2", who="chen"))["deal"]
    )

    stage.begin("四、规划与封存", "4. Plan and seal")
    plan = out / "plan.toml"
    stage.do(None, "plan", "propose", estate, "--inventory", inventory, "--out", plan)
    stage.do(None, "plan", "check", plan, estate, "--inventory", inventory)
    sealed = stage.do(seller, "seal", plan, estate, "--inventory", inventory, who="qian")
    stage.say(
        "{s} 名客户入库，{v} 个值封存，{p} 个禁止保存的值清除",
        "{s} customers in the vault, {v} values sealed, {p} forbidden values purged",
        s=_int(sealed, "subjects"),
        v=_int(sealed, "new_fields"),
        p=_int(sealed, "purged"),
    )
    copy = out / "estate-protected"
    protected = stage.do(seller, "protect", plan, estate, "--inventory", inventory, "--out", copy, who="qian")
    rescanned = stage.do(None, "discover", copy)
    stage.say(
        "受保护副本再扫描：卡号 {n} 个",
        "the protected copy scanned again: {n} card numbers",
        n=count_of(rescanned, FieldClass.PAN),
    )

    stage.begin("五、守护：一次被拒绝、一次被允许的明文查看", "5. Guard: one look refused, one allowed")
    token = _some_token(copy)
    stage.do(seller, "show", token, who="zhao")
    stage.refuse(seller, "reveal", token, "--purpose", "refund", who="zhao")
    asked = stage.do(seller, "grant", "ask", "--class", "pan", "--purpose", "refund", who="zhao")
    grant = str(_first(asked)["grant"])
    stage.do(seller, "grant", "approve", grant, who="wang")
    stage.say(
        "明文还须防钓鱼的第二因素：zhao 登记并出示通行密钥（演示以软件代替验证器）",
        "a clear value asks for a factor that resists phishing too: zhao registers a passkey and shows it "
        "(software stands in for the authenticator here)",
    )
    stage.register(seller, "zhao")
    stage.show_key(seller, "zhao")
    revealed = stage.do(seller, "reveal", token, "--purpose", "refund", "--grant", grant, who="zhao")
    revealed["value"] = "****" + str(revealed["value"])[-4:]
    stage.say(
        "zhao 看到了一个卡号；台账先记下了谁、为何、凭什么",
        "zhao saw one number; the ledger said who, why and on what first",
    )

    stage.begin(
        "六、受让方建立自己的安装实例；双方互认", "6. The buyer's own installation; the two recognise each other"
    )
    _install(stage, buyer, lead="sun", others={"li": "officer"})
    buyer_party = _exchange_cards(stage, seller, buyer, exchange)

    stage.begin("七、协议与阶段", "7. Agreement and stages")
    _agree(stage, seller, buyer, exchange, deal=deal, buyer_party=buyer_party)
    _stages(stage, seller, buyer, out, deal=deal)

    stage.begin("八、放行书：双方签名", "8. Release: both companies sign")
    _release(stage, seller, buyer, exchange, deal=deal)

    stage.begin("九、移交包；一个被篡改的移交包", "9. The bundle; a tampered bundle")
    outbox, bundle = out / "outbox" / "bundle", exchange / "bundle"
    outbox.parent.mkdir()
    bundled = stage.do(seller, "bundle", deal, "--out", outbox, who="qian")
    shutil.copytree(outbox, bundle)
    shutil.copy(bundle / "manifest.json", exchange / "manifest.json")
    tampered = out / "tampered"
    _tamper(bundle, tampered)
    trust: list[str | Path] = ["--trust", exchange / "seller-card.json", "--trust", exchange / "buyer-card.json"]
    stage.refuse(None, "verify", tampered, *trust)
    stage.refuse(buyer, "receive", tampered, "--deal", deal, "--out", exchange / "receipt-bad.json", who="sun")

    stage.begin("十、接收与回执", "10. Receive, and the receipt")
    stage.do(buyer, "verify", bundle, "--open", *trust)
    receipt = exchange / "receipt.json"
    received = stage.do(buyer, "receive", bundle, "--deal", deal, "--out", receipt, who="sun")
    stage.do(seller, "receipt", receipt, who="chen")

    stage.begin("十一、销毁：凭回执，由两人", "11. Destroy: against the receipt, by two persons")
    planned = stage.do(seller, "destroy", deal, who="chen")
    certificate = exchange / "certificate.json"
    signed = exchange / "certificate-signed.json"
    stage.two(
        seller,
        "destroy",
        deal,
        "--plan",
        str(planned["plan"]),
        "--out",
        certificate,
        who="chen",
        second="wang",
    )
    certified = stage.do(buyer, "certificate", "validate", certificate, "--out", signed, who="sun")
    stage.do(seller, "certificate", "keep", signed, who="chen")
    stage.do(seller, "deal", "stage", deal, "S8", who="chen")
    stage.do(buyer, "deal", "stage", deal, "S8", who="sun")

    stage.begin("十二、举证：任何人都能离线核验", "12. Evidence: anyone can verify it offline")
    verified = _verify(stage, seller, buyer, exchange, trust)
    measures = stage.do(buyer, "status")
    return Story(
        truth=truth,
        found=found,
        sealed=sealed,
        protected=protected,
        rescanned=rescanned,
        bundled=bundled,
        received=received,
        certificate=certified,
        measures=measures,
        pasting=stage.pasting(seller, buyer),
        verified=verified,
    )


def count_of(inventory: dict[str, Json], cls: FieldClass) -> int:
    """Return how many certain and likely values of ``cls`` an inventory holds."""
    findings = inventory.get("findings")
    if not isinstance(findings, list):
        return 0
    mine = [item for item in findings if isinstance(item, dict) and item.get("class") == cls.value]
    return sum(_int(item, "count") for item in mine if item.get("tier") != "possible")


def _house(out: Path, name: str, title: Text) -> House:
    keys = out / "secrets"
    keys.mkdir(exist_ok=True)
    unlock = keys / f"{name}-root.txt"
    unlock.write_text(secrets.token_urlsafe(18) + "\n", encoding="ascii")
    return House(home=out / name, name=title, unlock=unlock)


def _passphrase(stage: Stage, who: str) -> Path:
    path = stage.out / "secrets" / f"{who}.txt"
    path.write_text(secrets.token_urlsafe(18) + "\n", encoding="ascii")
    return path


def _install(stage: Stage, house: House, *, lead: str, others: dict[str, str]) -> None:
    own = _passphrase(stage, lead)
    made = stage.do(house, "init", "--name", house.name.en, "--lead", lead, "--passphrase-file", own)
    stage.enrol(house, lead, made)
    _login(stage, house, lead, own)
    answers = stage.out / "secrets" / "answers.json"
    answers.write_text(json.dumps(_right_answers(), ensure_ascii=False), encoding="utf-8")
    everyone = [lead]
    for who, roles in others.items():
        own = _passphrase(stage, who)
        code = str(stage.do(house, "people", "add", who, "--roles", roles, who=lead)["code"])
        stage.enrol(house, who, stage.do(house, "enrol", who, "--code", code, "--passphrase-file", own))
        _login(stage, house, who, own)
        everyone.append(who)
    officer = next(iter(others))
    for who in everyone:
        stage.do(house, "people", "train", "--answers", answers, who=who)
        stage.do(house, "people", "pledge", "--yes", who=who)
        stage.do(house, "people", "screen", who, "--outcome", "pass", who=officer if who == lead else lead)


def _login(stage: Stage, house: House, who: str, passphrase: Path) -> None:
    code = stage.code(house, who)
    stage.do(house, "login", who, "--passphrase-file", passphrase, "--code", code)


def _right_answers() -> dict[str, list[str]]:
    course = people.load_course()
    return {
        question.id: [option.text.en for option in question.options if option.right] for question in course.questions
    }


def _exchange_cards(stage: Stage, seller: House, buyer: House, exchange: Path) -> str:
    ours = exchange / "seller-card.json"
    theirs = exchange / "buyer-card.json"
    seller_card = stage.do(seller, "deal", "card", "--out", ours)
    buyer_card = stage.do(buyer, "deal", "card", "--out", theirs)
    stage.do(seller, "deal", "import", theirs, who="chen")
    stage.do(buyer, "deal", "import", ours, who="sun")
    pairs = ((seller, buyer_card, "chen", "wang"), (buyer, seller_card, "sun", "li"))
    for house, card, who, second in pairs:
        words = ("deal", "confirm", str(card["party"]), "--fingerprint", str(card["fingerprint"]))
        stage.two(house, *words, who=who, second=second)
    return str(buyer_card["party"])


def _agree(stage: Stage, seller: House, buyer: House, exchange: Path, *, deal: str, buyer_party: str) -> None:
    invitation, acceptance = exchange / "invitation.json", exchange / "acceptance.json"
    purpose = Text("延续现有服务", "continue the present service").render(stage.lang)
    stage.do(
        seller,
        *("deal", "invite", deal, "--buyer", buyer_party, "--purpose", purpose, "--out", invitation),
        who="chen",
    )
    stage.do(buyer, "deal", "accept", invitation, "--out", acceptance, who="sun")
    stage.do(seller, "deal", "conclude", acceptance, who="chen")
    # Whoever handles the deal's data signs the very text themselves.
    for house, staff in ((seller, ("chen", "qian", "zhao")), (buyer, ("sun",))):
        for who in staff:
            stage.do(house, "deal", "sign", deal, "--yes", who=who)


def _stages(stage: Stage, seller: House, buyer: House, out: Path, *, deal: str) -> None:
    paper = out / "exchange" / "done-elsewhere.txt"
    paper.write_text("Minutes and records kept by counsel (fictional).\n", encoding="utf-8")
    for to in ("S1", "S2", "S3"):
        stage.do(seller, "deal", "stage", deal, to, who="chen")
        stage.do(buyer, "deal", "stage", deal, to, who="sun")
    stage.refuse(seller, "deal", "stage", deal, "S4", who="chen")
    _waive(stage, seller, deal, "impact_assessment", paper, who="chen", second="wang")
    for to in ("S4", "S5", "S6"):
        stage.do(seller, "deal", "stage", deal, to, who="chen")
        stage.do(buyer, "deal", "stage", deal, to, who="sun")
    answers = out / "exchange" / "answers.toml"
    said = {item.name: str(item.name in _YES).lower() for item in route_rules().questions if not item.number}
    answers.write_text("".join(f"{name} = {value}\n" for name, value in said.items()) + "persons = 6000\n")
    route = out / "exchange" / "route.json"
    stage.two(
        seller,
        *("deal", "route", "decide", deal, "--answers", answers, "--out", route),
        who="chen",
        second="wang",
    )
    for condition in _WAIVED_SELLER:
        _waive(stage, seller, deal, condition, paper, who="chen", second="wang")
    _waive(stage, buyer, deal, "drill", paper, who="sun", second="li")
    what = ("--for", "handover.release", "--for", "handover.destroy")
    unwitnessed = ("policy", "waive", "witnessed", *what, "--reason", "not_yet")
    stage.two(seller, *unwitnessed, who="chen", second="wang")
    stage.two(buyer, *unwitnessed, who="sun", second="li")


def _waive(stage: Stage, house: House, deal: str, condition: str, paper: Path, *, who: str, second: str) -> None:
    words = ("deal", "waive", deal, condition, "--reason", "done_elsewhere", "--document", paper)
    stage.two(house, *words, who=who, second=second)


def _release(stage: Stage, seller: House, buyer: House, exchange: Path, *, deal: str) -> None:
    proposed, signed = exchange / "release.json", exchange / "release-signed.json"
    stage.two(seller, "release", "propose", deal, "--out", proposed, who="chen", second="wang")
    stage.two(buyer, "release", "countersign", proposed, "--out", signed, who="sun", second="li")
    stage.do(seller, "release", "accept", signed, who="chen")
    stage.do(seller, "deal", "stage", deal, "S7", who="chen")
    stage.do(buyer, "deal", "stage", deal, "S7", who="sun")


def _tamper(bundle: Path, tampered: Path) -> None:
    shutil.copytree(bundle, tampered)
    part = max(tampered.glob("part-*.env"))
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)


def _verify(
    stage: Stage, seller: House, buyer: House, exchange: Path, trust: list[str | Path]
) -> list[tuple[str, dict[str, Json]]]:
    stage.do(seller, "ledger", "export", exchange / "seller-ledger", who="chen")
    stage.do(buyer, "ledger", "export", exchange / "buyer-ledger", who="sun")
    names = ("bundle", "receipt.json", "certificate-signed.json", "seller-ledger", "buyer-ledger")
    found = [(name, stage.do(None, "verify", exchange / name, *trust)) for name in names]
    stage.do(seller, "fsck")
    stage.do(buyer, "fsck")
    return found


def _some_token(copy: Path) -> str:
    """Return a card token as an operator reads it in the order system, which now holds tokens only."""
    with closing(sqlite3.connect(copy / ORDERS_DB)) as database:
        (token,) = database.execute("SELECT card_no FROM cards ORDER BY card_id LIMIT 1").fetchone()
    return str(token)


def _tell_found(stage: Stage, found: dict[str, Json]) -> None:
    for cls, zh, en in (
        (FieldClass.PAN, "银行卡号 {n} 处", "{n} card numbers"),
        (FieldClass.NATIONAL_ID, "身份证号 {n} 处", "{n} national IDs"),
        (FieldClass.CVV, "绝不允许保存的卡验证码 {n} 处", "{n} verification codes that may never be kept"),
        (FieldClass.PASSWORD, "明文密码 {n} 处", "{n} clear passwords"),
    ):
        stage.say(zh, en, n=count_of(found, cls))


def _first(result: dict[str, Json]) -> dict[str, Json]:
    items = result.get("items")
    if isinstance(items, list) and items and isinstance(items[0], dict):
        return items[0]
    raise KeyError("items")


def _int(result: dict[str, Json], name: str) -> int:
    value = result.get(name, 0)
    return value if isinstance(value, int) else 0
