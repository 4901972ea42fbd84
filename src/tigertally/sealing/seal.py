"""Sealing an estate by its plan: from each source in columns into the vault, in batches that survive anything.

Invariants:
1. a batch is one transaction: its records and tokens, how far the source has come, and one ledger entry;
2. killed anywhere, the next run goes on after the last batch that was committed; a finished source is not read again;
   the report is the same whether it took one run or ten;
3. a source is known by what it holds and by what the plan does with it: if either changes it is sealed again from its
   first row, which adds only what is new;
4. sources that name their customers come first, so that a leak in a log finds its owner;
5. entries hold counts and digests only: no subject, no value, no path;
6. text in which sensitive authentication data can be seen is never stored, even if the plan calls it a name.

Deciding that it may be done, and that the plan is confirmed, is the caller's; so are the keys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from tigertally.base import canon
from tigertally.base.ahead import Ahead
from tigertally.base.canon import Json
from tigertally.base.errors import Problem
from tigertally.base.fields import FIELD_RULES, Destiny, FieldClass
from tigertally.base.limits import BATCH_ROWS
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_file, sha256_hex
from tigertally.ledger import Event, Ledger, register_event
from tigertally.sealing import extract
from tigertally.sealing.errors import NotRewritable, PlanNotValid, SourceNotReadable
from tigertally.sealing.extract import Columns, FieldColumn
from tigertally.sealing.live import rows
from tigertally.sealing.plan import MASK, SPAN_CLASSES, Estate, Plan, PlanSource, TokenForm, mistakes_in
from tigertally.sealing.rewriters.containers import file_of
from tigertally.sealing.rewriters.located import located
from tigertally.store import jobs
from tigertally.store.jobs import Job, JobState
from tigertally.vault import Batch, Begin, Foresight, SealCounts, VaultKeys, prepare_batch, store_batch, token_shaped

JOB_KIND: Final = "sealing.seal"
MALFORMED: Final = "malformed"  # what the reader already saw to be no value of its class
SAD: Final = "sad"  # text that holds track data, or a verification code beside a card, whatever the plan calls it
_FORBIDDEN: Final = frozenset(cls for cls in SPAN_CLASSES if FIELD_RULES[cls].destiny is Destiny.PURGE)

BATCH_SEALED: Final = register_event(
    "sealing.batch.sealed",
    Text("封存一批数据", "a batch was sealed"),
    "scope",
    "source",
    "row",
    "rows",
    "new_subjects",
    "new_fields",
    "known_fields",
    "purged",
    "rejected",
)
SOURCE_SEALED: Final = register_event(
    "sealing.source.sealed",
    Text("一个数据源封存完毕", "a source was sealed to its end"),
    "scope",
    "source",
    "rows",
    "new_subjects",
    "new_fields",
    "known_fields",
    "purged",
    "rejected",
)
_MASKED: Final = Text("名称含有客户的值", "its name holds a customer's value")
_NUMBERS: Final = ("rows", "new_subjects", "new_fields", "known_fields", "purged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A source that was not sealed to its end, and why: its name is masked, or it cannot be read without risk."""

    object: str
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SealReport:
    """What a plan came to. ``rejected`` counts values by reason; ``purged`` ones were never read out.

    ``skipped`` sources are not among ``sources``; what was sealed of them before it turned out is counted.
    """

    skipped: tuple[Skipped, ...]
    sources: int
    rows: int
    new_subjects: int
    new_fields: int
    known_fields: int
    purged: int
    rejected: Mapping[str, int]


@dataclass(slots=True)
class _Tally:
    """How far a source has come: the next row, and everything counted so far. Kept as the job's cursor."""

    row: int = 0
    numbers: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)

    @classmethod
    def parse(cls, cursor: bytes) -> _Tally:
        body = canon.loads(cursor)
        if not isinstance(body, dict) or not body:
            return cls()
        numbers = {name: int(str(body[name])) for name in _NUMBERS}
        rejected = body["rejected"]
        reasons = {name: int(str(count)) for name, count in rejected.items()} if isinstance(rejected, dict) else {}
        return cls(row=int(str(body["row"])), numbers=Counter(numbers), rejected=Counter(reasons))

    def counted(self) -> dict[str, Json]:
        return {
            **{name: self.numbers[name] for name in _NUMBERS},
            "rejected": {name: count for name, count in sorted(self.rejected.items()) if count},
        }

    def cursor(self) -> bytes:
        return canon.dumps({"row": self.row, **self.counted()})

    def add(self, other: _Tally) -> None:
        self.row = other.row
        self.numbers.update(other.numbers)
        self.rejected.update(other.rejected)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Work:
    """What one run works with."""

    plan: Plan
    root: Estate
    begin: Begin
    ledger: Ledger
    keys: VaultKeys
    actor: str
    now: Callable[[], datetime]
    batch_rows: int
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Ready:
    """A batch that was read, checked and digested; ``forbidden`` values are no longer in it. ``columns`` has none."""

    columns: Columns
    rows: int
    forbidden: int
    batch: Batch


@dataclass(slots=True, kw_only=True, repr=False)
class _Source:
    """A source on its way: its digest, its job, what it came to, and why not to its end, if so."""

    index: int
    digest: str
    job: Job | None
    tally: _Tally
    skipped: Text | None = None

    @property
    def open(self) -> bool:
        """Whether there may be more of it to seal."""
        return self.job is not None and self.job.state is not JobState.DONE

    def taken(self) -> Job:
        """Return its job. Only sources that have one come to a step that needs it."""
        if self.job is None:
            raise AssertionError
        return self.job


def seal_estate(
    plan: Plan,
    root: Estate,
    *,
    begin: Begin,
    ledger: Ledger,
    keys: VaultKeys,
    actor: str,
    now: Callable[[], datetime],
    batch_rows: int = BATCH_ROWS,
    progress: Progress = SILENT,
) -> SealReport:
    """Seal every source of ``plan`` under ``root`` into the scope of ``keys``; return what it came to in all runs.

    ``begin`` opens a writing transaction, ``now`` tells the time. Progress counts rows. One source that cannot be read
    without risk does not stop the others: the report names it. Raises ``PlanNotValid``, ``SourceNotReadable`` if a
    source is not there or is damaged; the vault's ``KeyOverAge``, ``KeyWornOut``, ``KeyNotActive``,
    ``RecordBroken``; ``JobTaken`` if another process seals the same source. What was sealed before stays sealed.
    """
    wrong = tuple(one for one in mistakes_in(plan) if one.grave)
    if wrong:
        raise PlanNotValid(mistakes=wrong)
    work = _Work(
        plan=plan,
        root=root,
        begin=begin,
        ledger=ledger,
        keys=keys,
        actor=actor,
        now=now,
        batch_rows=batch_rows,
        progress=progress,
    )
    progress.begin(Text("封存客户数据", "sealing customers' data"), None)
    begun = [_begun(work, index) for index in _in_order(plan)]
    with begin() as tx:
        foresight = Foresight.of(tx, keys)
    with Ahead(lambda: _batches_of(work, begun, foresight)) as batches:
        _store_all(work, {one.index: one for one in begun}, batches)
    total = _Tally()
    for one in begun:
        total.add(one.tally)
    skipped = [
        Skipped(object=plan.sources[one.index].object, reason=one.skipped) for one in begun if one.skipped is not None
    ]
    return SealReport(
        skipped=tuple(skipped),
        sources=len(plan.sources) - len(skipped),
        rows=total.numbers["rows"],
        new_subjects=total.numbers["new_subjects"],
        new_fields=total.numbers["new_fields"],
        known_fields=total.numbers["known_fields"],
        purged=total.numbers["purged"],
        rejected={name: count for name, count in sorted(total.rejected.items()) if count},
    )


def source_digest(source: PlanSource, root: Estate) -> str:
    """Return SHA-256 (hex) of what a source holds and what the plan does with it. Raises ``SourceNotReadable``."""
    if source.kind == "table":
        contents: list[Json] = [rows.stamp(root, source)]
    else:
        path = file_of(root, source.object)
        # A database that is in use keeps its newest rows beside its file.
        beside = path.with_name(path.name + "-wal")
        contents = [sha256_file(one) for one in (path, beside) if one.is_file()]
    fields: list[Json] = [[one.name, one.cls.value, one.action.value, one.extent.value] for one in source.fields]
    plain: list[Json] = [source.object, source.table, source.kind, source.encoding, source.delimiter, source.header]
    return sha256_hex(canon.dumps([*plain, source.subject, fields, contents]))


def _in_order(plan: Plan) -> list[int]:
    return sorted(range(len(plan.sources)), key=lambda index: not plan.sources[index].subject)


def _begun(work: _Work, index: int) -> _Source:
    """Take up one source: what it holds, its job, how far it has come. Raises ``SourceNotReadable``, ``JobTaken``."""
    try:
        digest = source_digest(work.plan.sources[index], work.root)
    except SourceNotReadable as problem:
        return _Source(index=index, digest="", job=None, tally=_Tally(), skipped=_why(work, index, problem))
    with work.begin() as tx:
        key = f"{JOB_KIND}:{work.keys.scope}:{digest}"
        job = jobs.start_or_resume(tx, key=key, kind=JOB_KIND, now=work.now())
    return _Source(index=index, digest=digest, job=job, tally=_Tally.parse(job.cursor))


def _why(work: _Work, index: int, problem: Problem) -> Text:
    """Return why a source is left out; raise what may not be passed over."""
    if isinstance(problem, NotRewritable):
        return problem.why
    if isinstance(problem, SourceNotReadable) and MASK in work.plan.sources[index].object:
        return _MASKED
    raise problem


def _batches_of(
    work: _Work, begun: Sequence[_Source], foresight: Foresight
) -> Iterator[tuple[int, _Ready | Problem | None]]:
    """Yield every source's batches, each with the source's index; then what ended it: a problem, or None."""
    for one in begun:
        if not one.open:
            continue
        try:
            for ready in _batches(work, one.index, foresight, start_row=one.tally.row):
                yield one.index, ready
        except Problem as problem:
            yield one.index, problem
        else:
            yield one.index, None


def _batches(work: _Work, index: int, foresight: Foresight, *, start_row: int) -> Iterator[_Ready]:
    """Yield a source's batches, ready to be stored."""
    fitting = {one.cls for one in work.plan.sources[index].fields if one.token is TokenForm.FIT}
    for read in extract.read(work.plan, work.root, source_index=index, batch_rows=work.batch_rows, start_row=start_row):
        columns, forbidden = _without_sad(_without_tokens(read, work.keys, fitting=fitting))
        fields = [(column.cls, column.values) for column in columns.fields]
        batch = prepare_batch(work.keys, subjects=columns.subjects, fields=fields, foresight=foresight)
        counted = replace(columns, subjects=[], fields=())  # all that is needed of them is in the batch
        yield _Ready(columns=counted, rows=len(columns.subjects), forbidden=forbidden, batch=batch)


def _store_all(
    work: _Work, begun: Mapping[int, _Source], batches: Iterable[tuple[int, _Ready | Problem | None]]
) -> None:
    for index, got in batches:
        one = begun[index]
        if isinstance(got, Problem):
            one.skipped = _why(work, index, got)
        elif got is None:
            _finish(work, one)
        else:
            _store(work, one, got)
            work.progress.advance(got.rows)


def _finish(work: _Work, one: _Source) -> None:
    with work.begin() as tx:
        payload = {"scope": work.keys.scope, "source": one.digest, **one.tally.counted()}
        work.ledger.append(tx, Event(kind=SOURCE_SEALED, payload=payload, actor=work.actor), now=work.now())
        jobs.finish(tx, one.taken(), now=work.now())


def _store(work: _Work, one: _Source, ready: _Ready) -> None:
    with work.begin() as tx:
        now = work.now()
        batch = _counted(ready, store_batch(tx, work.keys, batch=ready.batch, now=now))
        batch.rejected[SAD] += ready.forbidden
        payload = {"scope": work.keys.scope, "source": one.digest, "row": ready.columns.row, **batch.counted()}
        work.ledger.append(tx, Event(kind=BATCH_SEALED, payload=payload, actor=work.actor), now=now)
        one.tally.add(batch)
        one.job = jobs.advance(tx, one.taken(), cursor=one.tally.cursor(), now=now)


def _without_tokens(columns: Columns, keys: VaultKeys, *, fitting: set[FieldClass]) -> Columns:
    """Return the batch without what is a token already: a table that was rewritten in place is sealed again."""
    fields: list[FieldColumn] = []
    for column in columns.fields:
        there = [value for value in column.values if value]
        shaped = token_shaped(keys, cls=column.cls, texts=there, fitting_too=column.cls in fitting)
        tokens = {value for value, is_token in zip(there, shaped, strict=True) if is_token}
        values = [None if value in tokens else value for value in column.values] if tokens else column.values
        fields.append(replace(column, values=values))
    return replace(columns, fields=tuple(fields))


def _without_sad(columns: Columns) -> tuple[Columns, int]:
    """Return the batch without values that hold sensitive authentication data, and how many those are."""
    forbidden = 0
    fields: list[FieldColumn] = []
    for column in columns.fields:
        bad: set[int] = set()
        if column.cls is not FieldClass.PAN:  # a card is its digits and nothing else
            there = [at for at, value in enumerate(column.values) if value]
            found = located([column.values[at] or "" for at in there])
            bad = {there[at] for at, cls in zip(found.text, found.classes, strict=True) if cls in _FORBIDDEN}
        values = [None if at in bad else value for at, value in enumerate(column.values)] if bad else column.values
        fields.append(replace(column, values=values))
        forbidden += len(bad)
    return replace(columns, fields=tuple(fields)), forbidden


def _counted(ready: _Ready, sealed: SealCounts) -> _Tally:
    columns = ready.columns
    numbers = {
        "rows": ready.rows,
        "new_subjects": sealed.new_subjects,
        "new_fields": sealed.new_fields,
        "known_fields": sealed.known_fields,
        "purged": columns.purged,
    }
    rejected = Counter({why.value: count for why, count in sealed.rejected.items()})
    rejected[MALFORMED] += columns.rejected
    return _Tally(row=columns.next_row, numbers=Counter(numbers), rejected=rejected)
