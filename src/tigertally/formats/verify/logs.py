"""Verifying what a ledger shows: checkpoint, proof of one entry, exported ledger. docs/formats/ledger.md §3–§5.

A log is known by its origin. If cards that the user trusts name that origin, their keys decide; otherwise a card
that came along only tells by fingerprint who would have signed. Checkpoints that the user kept from earlier show
a rollback, a second history, or a log begun anew: a log can sign whatever it likes, but not make us forget.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tigertally.base import clock
from tigertally.base.errors import Problem
from tigertally.base.limits import NOTE_BYTES_MAX
from tigertally.base.text import Text
from tigertally.crypto.errors import SignatureInvalid
from tigertally.formats import checkpoint as notes
from tigertally.formats import leaf, ledgerexport, proof
from tigertally.formats import policy as policies
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.errors import Malformed
from tigertally.formats.ledgerexport import ExportReport, Flaw, FlawKind, History
from tigertally.formats.note import NoteVerifier
from tigertally.formats.verify.dealings import WELL_FORMED
from tigertally.formats.verify.errors import Unreadable
from tigertally.formats.verify.files import is_regular, paper_at, read_small
from tigertally.formats.verify.report import Checklist, Exact, Report, said, told
from tigertally.formats.verify.trust import SKEW_MAX, Context, cards_among, check_not_future, whose

_SIGNED: Final = Text(
    "检查点由台账的两把密钥签署，且台账属于您信任的组织", "both keys of a log that you trust signed the checkpoint"
)
_KEPT: Final = Text("与先前留存的检查点一致", "it agrees with the checkpoints kept from earlier")
_WITNESSED: Final = Text("足够多的见证方会签了检查点", "enough witnesses cosigned the checkpoint")
_DECLARED: Final = Text(
    "台账自己载明的见证策略（按交易）已达到",
    "the witness policies that the log itself holds in force, by deal, are met",
)
_BEATS: Final = Text("定时哨兵条目按时且不缺号", "the canary entries on schedule came in time, none is missing")
_HISTORIES: Final = {
    History.ROLLBACK: Text("台账比先前签署过的短（回滚）", "the log is shorter than it was (rollback)"),
    History.SPLIT_VIEW: Text(
        "台账签署了两个互相矛盾的历史（分裂视图）", "the log signed two histories that contradict (split view)"
    ),
    History.REBUILT: Text("台账被从头重建", "the log was rebuilt from its beginning"),
}
_FLAWS: Final = {
    FlawKind.MALFORMED: (3, "格式有误", "malformed"),
    FlawKind.EDITED: (5, "条目被改动", "edited"),
    FlawKind.DELETED: (5, "条目被删除", "deleted"),
    FlawKind.ADDED: (5, "多出的条目", "added"),
    FlawKind.REORDERED: (5, "条目次序被调换", "reordered"),
    FlawKind.TRUNCATED: (4, "台账尾部被截断", "cut off from here"),
    FlawKind.MISSING: (4, "条目缺失（被删除或截断）", "entries are missing (deleted or cut off)"),
    FlawKind.ROOT: (5, "有条目被改动或调换", "an entry was edited or entries were reordered"),
    FlawKind.HASHES: (5, "旁边的散列文件不是这些条目的", "the file of hashes beside the entries is not theirs"),
    FlawKind.VALUE_EDITED: (6, "内容被改动", "its content was edited"),
    FlawKind.TIME_BACKWARDS: (7, "时间倒退", "time goes backwards"),
    FlawKind.CHECKPOINT_OLD: (8, "检查点早于其条目", "the checkpoint is older than its entries"),
}
_COUNT_STEP: Final = 4
_ROOT_STEP: Final = 5
_CONTENT_STEP: Final = 6
_EXPORT_STEPS: Final = {
    3: Text("每一行格式规范", "every line is well formed"),
    4: Text("条目数与检查点一致", "there are as many entries as the checkpoint says"),
    5: Text(
        "由条目重算的根与检查点一致：未改、未删、未调换",
        "the root over the entries is the signed one: none edited, deleted or moved",
    ),
    6: Text("每条内容与其承诺一致", "every content fits the commitment in its entry"),
    7: Text("时间从不倒退", "time never goes backwards"),
    8: Text("检查点不早于其条目", "the checkpoint is not older than its entries"),
}


def check_checkpoint(data: bytes, context: Context) -> Report:
    """Verify a checkpoint: 1 form, 2 signed by a trusted log, 3 what was kept earlier, 4 not future, 5 witnesses."""
    found = Checklist(subject=Text("台账检查点", "checkpoint"))
    try:
        signed, _ = notes.parse(data)
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return found.report()
    size = told(
        "共 {size} 条，来源 {origin}", "{size} entries, origin {origin}", size=signed.size, origin=signed.origin
    )
    found.holds(1, WELL_FORMED, size)
    log = _check_signed(found, 2, data, signed, context)
    if log is not None:
        at = notes.verify_dated(data, log)[1]
        _check_kept(found, 3, signed, log, context)
        check_not_future(found, 4, instants=[at], now=context.now)
        _check_witnesses(found, 5, data, log, context)
    return found.report()


def check_proof(data: bytes, context: Context) -> Report:
    """Verify a proof: 1 form, 2 checkpoint signed, 3 a ledger leaf, 4 included, 5 not from the future, 6 witnesses."""
    found = Checklist(subject=Text("台账条目证明", "proof of a ledger entry"))
    try:
        paper = proof.parse(data)
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return found.report()
    found.holds(1, WELL_FORMED)
    log = _check_signed(found, 2, paper.checkpoint, notes.parse(paper.checkpoint)[0], context)
    instants = []
    name = Text("所附条目是台账条目", "the entry inside is a ledger entry")
    try:
        entry = leaf.parse(paper.leaf)
    except Problem as problem:
        found.fails(3, name, said(problem))
    else:
        shown = {"index": paper.index, "kind": entry.kind, "at": Exact(clock.to_text(entry.at))}
        found.holds(3, name, told("第 {index} 条：{kind}，{at}", "entry {index}: {kind}, {at}", **shown))
        instants.append(entry.at)
    if log is not None:
        included = paper.verify(log) is not None
        detail = Text("审计路径不成立", "the audit path does not lead to the root")
        found.verdict(
            4, Text("条目在检查点所签的树中", "the entry is in the signed tree"), good=included, detail=detail
        )
        instants.append(notes.verify_dated(paper.checkpoint, log)[1])
    check_not_future(found, 5, instants=instants, now=context.now)
    if log is not None:
        _check_witnesses(found, 6, paper.checkpoint, log, context)
    return found.report()


def check_export(folder: Path, context: Context) -> Report:
    """Verify an exported ledger; the thirteen checks of docs/formats/ledger.md §5."""
    found = Checklist(subject=Text("导出的台账", "exported ledger"))
    note = folder / ledgerexport.CHECKPOINT_NAME
    card = folder / ledgerexport.PARTY_NAME
    own = paper_at(card)
    inside = context.beside(own) if own is not None else context
    if not is_regular(note) or not is_regular(folder / ledgerexport.ENTRIES_NAME):
        raise Unreadable(name=note.name)
    try:
        data = read_small(note, bytes_max=NOTE_BYTES_MAX)
        signed, _ = notes.parse(data)
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return found.report()
    cards = cards_among((own,)) if own is not None else []
    if card.exists() and not any(one.log.name == signed.origin for one in cards):
        why = Text("所附名片不是该台账所属组织的名片", "the card in it is not the card of this log's owner")
        found.fails(1, WELL_FORMED, why)
        return found.report()
    found.holds(1, WELL_FORMED)
    log = _check_signed(found, 2, data, signed, inside)
    if log is None:
        return found.report()
    kept = [data for data, _ in _kept(found, 9, log, context)]
    try:
        result = ledgerexport.verify_export(folder, log, remembered=kept, progress=context.progress)
    except OSError:
        raise Unreadable(name=ledgerexport.ENTRIES_NAME) from None
    _tell_export(found, result)
    _tell_kept(found, 9, result.histories)
    check_not_future(found, 10, instants=[result.signed], now=context.now)
    _check_witnesses(found, 11, data, log, context)
    _check_declared(found, 12, data, result, context)
    _check_beats(found, 13, result)
    return found.report()


def _check_signed(
    found: Checklist, step: int, data: bytes, signed: Checkpoint, context: Context
) -> NoteVerifier | None:
    """Check a checkpoint's signatures; return the log's keys if they hold, whether trusted or not."""
    trusted = [card for card in context.trust.cards if card.log.name == signed.origin]
    cards = trusted or [card for card in cards_among(context.papers) if card.log.name == signed.origin]
    if not cards:
        found.unknown(step, _SIGNED, Text("没有该台账所属组织的名片", "there is no card that names this log"))
        return None
    problem: Problem | None = None
    for card in cards:
        try:
            notes.verify(data, card.log)
        except Problem as failed:
            problem = failed
            continue
        if trusted:
            found.holds(step, _SIGNED, told("台账属于 {name}", "the log is {name}'s", name=card.name))
        else:
            found.unknown(step, _SIGNED, whose(card))
        return card.log
    found.fails(step, _SIGNED, said(problem) if problem else None)
    return None


def _check_witnesses(found: Checklist, step: int, data: bytes, log: NoteVerifier, context: Context) -> None:
    """Check each policy that the user gave for this log: enough witnesses cosigned, none of them falsely or later."""
    signed, note = notes.parse(data)
    wanted = context.trust.policies_for(log)
    if context.trust.policies and not wanted:
        why = Text("没有关于该台账的见证策略", "no policy is about this log")
        found.unknown(step, _WITNESSED, why, required=False)
    for policy in wanted:
        try:
            cosigned = policy.cosigned(note, signed)
        except SignatureInvalid as problem:
            found.fails(step, _WITNESSED, said(problem))
            continue
        late = any(at > (context.now + SKEW_MAX).timestamp() for at in cosigned.values())
        lacking = ", ".join(policy.lacking(cosigned))
        if late:
            found.fails(step, _WITNESSED, Text("会签日期在未来", "a cosignature is dated in the future"))
        elif policy.met(cosigned):
            names = ", ".join(sorted(cosigned))
            found.holds(step, _WITNESSED, told("会签：{names}", "cosigned by {names}", names=names) if names else None)
        else:
            found.fails(
                step, _WITNESSED, told("见证数不足，缺少：{names}", "no quorum; missing: {names}", names=lacking)
            )


def _check_beats(found: Checklist, step: int, result: ExportReport) -> None:
    """Check the canary entries of a log that has any: numbered without a gap, in time, the last one at the signing."""
    beats = result.beats
    if not result.ok or not beats.total:
        return
    if beats.odd is not None:
        why = told("第 {entry} 条：编号有误", "entry {entry}: wrong number", entry=beats.odd)
        found.fails(step, _BEATS, why)
        return
    stopped = beats.due is not None and result.signed >= beats.due
    if not beats.late and not stopped:
        found.holds(step, _BEATS, told("{count} 次", "{count} beats", count=beats.total))
        return
    late = told(
        "{count} 次中有 {late} 次迟到{stopped}",
        "{late} of {count} came late{stopped}",
        count=beats.total,
        late=beats.late,
        stopped="; stopped / 已中断" if stopped else "",
    )
    found.unknown(step, _BEATS, late, required=False)


def _check_declared(found: Checklist, step: int, data: bytes, result: ExportReport, context: Context) -> None:
    """Check the policies that the log itself holds in force: what is short of one is not known to others yet.

    It is no lie to have grown since, so it fails nothing; one who needs a quorum gives the policy (step 11).
    """
    if not result.ok:
        return
    signed, note = notes.parse(data)
    for declared in result.policies:
        try:
            policy = policies.parse(declared.policy.encode())
            cosigned = policy.cosigned(note, signed)
        except (Malformed, SignatureInvalid) as problem:
            found.fails(step, _DECLARED, said(problem))
            continue
        late = any(at > (context.now + SKEW_MAX).timestamp() for at in cosigned.values())
        if policy.met(cosigned) and not late:
            names = ", ".join(sorted(cosigned))
            found.holds(
                step,
                _DECLARED,
                told("{whose}：{names} 会签", "{whose}: cosigned by {names}", whose=declared.subject, names=names),
            )
            continue
        short = told(
            "{whose}（第 {entry} 条）：见证数不足，缺少 {names}",
            "{whose} (entry {entry}): no quorum; missing {names}",
            whose=declared.subject,
            entry=declared.entry,
            names=", ".join(policy.lacking(cosigned)) or "-",
        )
        found.unknown(step, _DECLARED, short, required=False)


def _kept(found: Checklist, step: int, log: NoteVerifier, context: Context) -> list[tuple[bytes, Checkpoint]]:
    """Return the user's checkpoints of this log; one with its origin but not its signatures fails ``step``."""
    kept = []
    for note in context.trust.checkpoints:
        old, _ = notes.parse(note)
        if old.origin != log.name:
            continue
        try:
            kept.append((note, notes.verify(note, log)))
        except Problem as problem:
            found.fails(step, _KEPT, said(problem))
    return kept


def _check_kept(found: Checklist, step: int, signed: Checkpoint, log: NoteVerifier, context: Context) -> None:
    """Compare one checkpoint with those kept: equal sizes decide, a shorter log is a rollback."""
    for _, old in _kept(found, step, log, context):
        if signed.size < old.size:
            found.fails(step, _KEPT, _HISTORIES[History.ROLLBACK])
        elif signed.size == old.size:
            found.verdict(step, _KEPT, good=signed.root == old.root, detail=_HISTORIES[History.SPLIT_VIEW])
        else:
            why = Text("台账已增长；请提供导出的台账以核对", "the log has grown; its export is needed to compare")
            found.unknown(step, _KEPT, why, required=False)


def _tell_export(found: Checklist, result: ExportReport) -> None:
    flaws: dict[int, list[Flaw]] = {step: [] for step in _EXPORT_STEPS}
    for flaw in result.flaws:
        flaws[_FLAWS[flaw.kind][0]].append(flaw)
    for step, name in _EXPORT_STEPS.items():
        for flaw in flaws[step]:
            _, zh, en = _FLAWS[flaw.kind]
            whole = flaw.kind in (FlawKind.ROOT, FlawKind.MISSING, FlawKind.HASHES)
            sentence = told(zh, en) if whole else told("第 {entry} 条：" + zh, "entry {entry}: " + en, entry=flaw.entry)
            found.fails(step, name, sentence)
        if not flaws[step]:
            _tell_step(found, step, name, result, rooted=not (flaws[4] or flaws[5]))


def _tell_step(found: Checklist, step: int, name: Text, result: ExportReport, *, rooted: bool) -> None:
    """Tell a step that names no entry: it holds, unless what another step named breaks it too."""
    size = told("{count} 条", "{count} entries", count=result.entries)
    if step == _COUNT_STEP:
        found.verdict(step, name, good=result.entries == result.checkpoint.size, detail=size)
    elif step == _ROOT_STEP:
        found.verdict(step, name, good=rooted)
    elif step == _CONTENT_STEP and result.withheld:
        gone = told(
            "{count} 条未附内容（未公开或已删除）",
            "{count} have no content (not public, or erased)",
            count=result.withheld,
        )
        found.holds(step, name, gone)
    else:
        found.holds(step, name)


def _tell_kept(found: Checklist, step: int, histories: tuple[History, ...]) -> None:
    for history in histories:
        found.verdict(step, _KEPT, good=history is History.CONSISTENT, detail=_HISTORIES.get(history))
