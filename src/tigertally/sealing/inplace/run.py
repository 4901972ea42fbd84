"""Every table of a plan that is live, taken up, rewritten, put back or committed, one after the other.

What a plan names and these rooms do not write to (files, archives, spans inside text) is listed, so that nobody takes
it for done. A table is refused before anything is written if a planned column cannot take its tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tigertally.access import Decision
from tigertally.base.limits import BATCH_ROWS
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.ledger import Ledger
from tigertally.sealing.errors import (
    ClearValuesLeft,
    NoRewrite,
    NothingLive,
    NotInPlace,
    PlanNotValid,
    RewriteElsewhere,
)
from tigertally.sealing.inplace import commit as committing
from tigertally.sealing.inplace import rewrite as rewriting
from tigertally.sealing.inplace import undo as undoing
from tigertally.sealing.inplace.state import (
    COMMITTING,
    JOB_KIND,
    REWRITING,
    REWRITTEN,
    UNDOING,
    State,
    Work,
    latest,
    purged_fields,
    rewritable,
    sealed_fields,
    table_digest,
)
from tigertally.sealing.live.opening import opened
from tigertally.sealing.live.ports import LiveDatabase
from tigertally.sealing.plan import Estate, Plan, PlanMistake, PlanSource, mistake
from tigertally.sealing.rewriters.shield import TokenLookup
from tigertally.store import jobs
from tigertally.store.tx import Tx
from tigertally.vault import Aside, Begin, VaultKeys

_BARRED: Final = Text("{object} 的 {column}：{why_zh}", "{column} of {object}: {why}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveReport:
    """What came of one table. Counts as in :class:`State`; ``phase`` says what can follow."""

    object: str
    table: str
    phase: str
    cells: int
    left: int
    back: int
    same: int
    gone: int
    purged: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LiveWork:
    """What the work on a plan's tables needs. ``begin`` opens a writing transaction of ours, ``reading`` a reading."""

    plan: Plan
    estate: Estate
    keys: VaultKeys
    begin: Begin
    reading: Callable[[], AbstractContextManager[Tx]]
    ledger: Ledger
    actor: str
    now: Callable[[], datetime]
    progress: Progress = SILENT
    batch_rows: int = BATCH_ROWS
    writing: bool = field(default=True)


def untouched(plan: Plan) -> tuple[str, ...]:
    """Return what the plan seals or purges and a rewriting in place does not write to."""
    out: list[str] = []
    for source in plan.sources:
        done = {one.name for one in (*sealed_fields(source), *purged_fields(source))} if rewritable(source) else set()
        place = f"{source.object}/{source.table}" if source.table else source.object
        out += [
            f"{place}: {one.name or one.cls.value}"
            for one in source.fields
            if one.action.value != "keep" and one.name not in done
        ]
    return tuple(out)


def rewrite_all(work: LiveWork, tokens: TokenLookup) -> tuple[LiveReport, ...]:
    """Rewrite every live table, or look again whether it is rewritten.

    Raises ``NothingLive``, ``PlanNotValid`` for columns that cannot take tokens, ``NotInPlace`` for such tables,
    ``LiveBusy``, ``LiveUnavailable``, ``JobTaken``, ``RewriteElsewhere``. What was written is known again.
    """
    with _live(work) as live:
        sources = [source for source in work.plan.sources if rewritable(source)]
        if not sources:
            raise NothingLive
        _need_room(live, sources)
        work.progress.begin(Text("就地改写", "rewriting in place"), None)
        out = []
        for source in sources:
            one = _taken(work, live, source, phases=(REWRITING, REWRITTEN), fresh=True)
            if one is not None:
                rewriting.rewrite(one, tokens)
                out.append(_report(one.source, one.state))
        live.settle()
    return tuple(out)


def undo_all(work: LiveWork, decision: Decision) -> tuple[LiveReport, ...]:
    """Put every table back that is on its way. Raises ``NoRewrite``, and like :func:`rewrite_all`."""
    with _live(work) as live:
        work.progress.begin(Text("还原明文", "putting clear values back"), None)
        out = []
        for one in _on_the_way(work, live, phases=(REWRITING, REWRITTEN, UNDOING)):
            undoing.undo(one, decision)
            out.append(_report(one.source, one.state))
        live.settle()
    return tuple(out)


def begin_commit(tx: Tx, work: LiveWork, *, purge_unknown: bool) -> None:
    """Let every table that is rewritten be committed, in the transaction of the decision.

    Raises ``NoRewrite``, ``RewriteElsewhere``, ``ClearValuesLeft``.
    """
    with _live(work) as live:
        found = False
        for source in work.plan.sources:
            if not rewritable(source):
                continue
            digest = table_digest(live, source, work.keys.scope)
            key, job = latest(tx, digest=digest, scope=work.keys.scope)
            if job is None:
                continue
            found = True
            state = State.parse(job.cursor)
            if state.phase not in (REWRITTEN, COMMITTING):
                raise RewriteElsewhere(object=source.object, phase=state.phase)
            if state.phase == REWRITTEN and state.counts["left"] and not purge_unknown:
                raise ClearValuesLeft(object=source.object, count=state.counts["left"])
            taken = jobs.start_or_resume(tx, key=key, kind=JOB_KIND, now=work.now())
            one = _work(work, live, source, taken)
            one.move(tx, one.after, phase=COMMITTING)
            one.moved(tx)
        if not found:
            raise NoRewrite(object=work.plan.sources[0].object if work.plan.sources else "")


def commit_all(work: LiveWork, tokens: TokenLookup, *, purge_unknown: bool) -> tuple[LiveReport, ...]:
    """Commit every table whose commit was decided. Raises ``NoRewrite``, and like :func:`rewrite_all`."""
    with _live(work) as live:
        work.progress.begin(Text("提交就地改写", "committing what was rewritten in place"), None)
        out = []
        for one in _on_the_way(work, live, phases=(COMMITTING,)):
            committing.commit(one, tokens, purge_unknown=purge_unknown)
            out.append(_report(one.source, one.state))
    return tuple(out)


def stand(work: LiveWork) -> tuple[LiveReport, ...]:
    """Return how far each live table of a plan is; phase "" for those that nothing was begun of."""
    with _live(work) as live, work.reading() as tx:
        out = []
        for source in work.plan.sources:
            if rewritable(source):
                _, job = latest(tx, digest=table_digest(live, source, work.keys.scope), scope=work.keys.scope)
                out.append(_report(source, State(phase="") if job is None else State.parse(job.cursor)))
    return tuple(out)


@contextmanager
def _live(work: LiveWork) -> Iterator[LiveDatabase]:
    live = opened(work.estate, writing=work.writing)
    try:
        yield live
    finally:
        live.close()


def _need_room(live: LiveDatabase, sources: list[PlanSource]) -> None:
    wrong: list[PlanMistake] = []
    for source in sources:
        table = live.describe(source)
        if table.bar is not None:
            raise NotInPlace(object_path=source.object, why=table.bar)
        for one in (*sealed_fields(source), *purged_fields(source)):
            column = table.columns.get(one.name)
            if column is not None and column.bar is not None:
                why = {"why": column.bar.en, "why_zh": column.bar.zh}
                wrong.append(mistake(one.line, _BARRED, object=source.object, column=one.name, **why))
    if wrong:
        raise PlanNotValid(mistakes=tuple(wrong))


def _on_the_way(work: LiveWork, live: LiveDatabase, *, phases: tuple[str, ...]) -> Iterator[Work]:
    found = False
    for source in work.plan.sources:
        if rewritable(source):
            one = _taken(work, live, source, phases=phases, fresh=False)
            if one is not None:
                found = True
                yield one
    if not found:
        raise NoRewrite(object=work.plan.sources[0].object if work.plan.sources else "")


def _taken(
    work: LiveWork, live: LiveDatabase, source: PlanSource, *, phases: tuple[str, ...], fresh: bool
) -> Work | None:
    with work.begin() as tx:
        key, job = latest(tx, digest=table_digest(live, source, work.keys.scope), scope=work.keys.scope)
        if job is None and not fresh:
            return None
        if job is not None and (phase := State.parse(job.cursor).phase) not in phases:
            raise RewriteElsewhere(object=source.object, phase=phase)
        taken = jobs.start_or_resume(tx, key=key, kind=JOB_KIND, now=work.now())
        one = _work(work, live, source, taken)
        if job is None:
            one.moved(tx)
    return one


def _work(work: LiveWork, live: LiveDatabase, source: PlanSource, job: jobs.Job) -> Work:
    return Work(
        live=live,
        source=source,
        fields=sealed_fields(source),
        purged=purged_fields(source),
        keys=work.keys,
        aside=Aside(work.keys),
        begin=work.begin,
        reading=work.reading,
        ledger=work.ledger,
        actor=work.actor,
        now=work.now,
        progress=work.progress,
        job=job,
        state=State.parse(job.cursor),
        batch_rows=work.batch_rows,
    )


def _report(source: PlanSource, state: State) -> LiveReport:
    counts = state.counts
    return LiveReport(
        object=source.object,
        table=source.table,
        phase=state.phase,
        cells=counts["cells"],
        left=counts["left"],
        back=counts["back"],
        same=counts["same"],
        gone=counts["gone"],
        purged=counts["purged"],
    )
