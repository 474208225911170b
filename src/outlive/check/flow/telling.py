"""Notes -> observations: which frame a finding stands in, its evidence, its confidence and its fix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from outlive.check.findings import Confidence, Edit, Fix, Safety
from outlive.check.flow import Flow, dependencies, fixes
from outlive.check.flow.interpreter import Interpreter
from outlive.check.flow.log import Note
from outlive.check.flow.observations import (
    BackgroundRead,
    CachedRead,
    EarlyKeyRead,
    EmptyDump,
    Exit,
    ExpiringFactory,
    ForeignUse,
    Handover,
    IgnoredMerge,
    LateCommit,
    LateRead,
    LateStream,
    Loss,
    Meets,
    MixedScopes,
    Reopened,
    SecondSession,
    SharedSession,
    Unawaited,
    UnknownMethod,
)
from outlive.check.flow.sessions import INSTEAD
from outlive.check.flow.state import Object
from outlive.check.flow.values import Spot
from outlive.check.program import FunctionSymbol
from outlive.check.source import Source
from outlive.check.targets import FUNCTION_SCOPE
from outlive.lifecycle.evidence import Evidence
from outlive.lifecycle.places import Place

_LOST = {
    Loss.COMMIT: "expired here by the commit",
    Loss.ROLLBACK: "expired here by the rollback",
    Loss.FAILED_FLUSH: "expired here when the flush failed",
    Loss.FLUSH: "expired here by the flush of an UPDATE",
    Loss.EXPIRE: "expired here",
    Loss.REFRESH: "dropped here by the refresh",
}
_MEETINGS = {
    Meets.BESIDE: ("is in use from here on", "used by the one here", "and by the other here"),
    Meets.BATCHED: ("the other loader", "used by the one here", "and by the other here"),
    Meets.RESOLVED: ("is part of what this makes for all resolvers", "used here", "used here"),
}
_LEFT = {
    Exit.CLOSE: "detached here, where its session closes",
    Exit.EXPUNGE: "expunged here",
    Exit.LOSS: "detached here: nothing holds its session any longer",
    Exit.COPY: "copied here, for the calls that follow",
    Exit.PROCESS: "pickled here, for another process",
    Exit.ROLLBACK: "transient again here, by the rollback",
}


def tell(run: Interpreter, sources: Mapping[str, Source]) -> Flow:
    """Everything that was noted, in the words of the hazards."""
    teller = _Teller(run, sources)
    late = teller.late()
    return Flow(
        late_reads=tuple(read for read in late if not read.reader and not read.guard),
        schema_reads=tuple(read for read in late if read.reader),
        guarded_reads=tuple(read for read in late if read.guard and not read.reader),
        expiring_factories=tuple(teller.factories()),
        early_key_reads=tuple(teller.early()),
        handovers=tuple(teller.handovers()),
        foreign_uses=tuple(teller.foreign()),
        second_sessions=tuple(teller.attached()),
        ignored_merges=tuple(teller.merges()),
        unknown_methods=tuple(teller.methods()),
        unawaited_calls=tuple(teller.unawaited()),
        reopened_sessions=tuple(teller.reopened()),
        background_reads=tuple(teller.background()),
        cached_reads=tuple(teller.cached()),
        late_streams=tuple(teller.streams()),
        shared_sessions=tuple(teller.shared()),
        late_commits=tuple(teller.commits()),
        empty_dumps=tuple(teller.dumps()),
        mixed_scopes=tuple(teller.mixed()),
    )


class _Teller:
    def __init__(self, run: Interpreter, sources: Mapping[str, Source]) -> None:
        self.run = run
        self.sources = sources

    # -- places --------------------------------------------------------------------------------------------------

    def source(self, spot: Spot) -> Source:
        return self.sources[self.run.frames[spot.frame][2].filename]

    def place(self, spot: Spot) -> Place:
        return self.source(spot).place(spot.span)

    def text(self, spot: Spot) -> str:
        return self.source(spot).slice(spot.span)

    def chain(self, frame: int) -> list[int]:
        found: list[int] = []
        while frame >= 0:
            found.append(frame)
            frame = self.run.frames[frame][0]
        return found

    def standing(self, spot: Spot, cause: Spot | None) -> Spot:
        """Where a finding stands: the use, or the call that leads to it from the frame of the cause."""
        if cause is None or cause.frame == spot.frame:
            return spot
        causes = set(self.chain(cause.frame))
        below = spot
        frame = spot.frame
        while frame >= 0 and frame not in causes:
            parent, span, *_ = self.run.frames[frame]
            if parent < 0:
                return spot
            below = Spot(parent, span)
            frame = parent
        return below

    def between(self, call: Spot, read: Spot) -> list[Evidence]:
        """The calls on the way from one to what is read in the end, without itself."""
        steps: list[Evidence] = []
        frame = read.frame
        while frame not in (call.frame, -1):
            parent, span, module, index = self.run.frames[frame]
            if parent not in (call.frame, -1):
                steps.append(
                    Evidence(self.place(Spot(parent, span)), f"`{module.function(index).name}` is called here")
                )
            frame = parent
        return steps[::-1]

    def line(self, spot: Spot) -> object:
        """Where it is in the source, whoever has called it."""
        return spot.span, self.run.frames[spot.frame][2:]

    def fine(self, spot: Spot) -> Confidence:
        return Confidence.LIKELY if spot in self.run.log.fine else Confidence.CERTAIN

    def notes(self, kind: str) -> list[Note]:
        """What was noted, but for what is all right wherever the program certainly goes."""
        fine, unguarded = self.run.log.fine, self.run.log.unguarded
        return [
            note
            for note in self.run.log.notes
            if note.kind == kind
            and not (note.doubtful and note.spot in fine)
            and not ((note.guard or note.asked) and (note.spot, note.name) in unguarded)
        ]

    def story(self, note: Note, standing: Spot) -> tuple[Evidence, ...]:
        obj = note.obj
        steps: list[Evidence] = []
        if obj is not None and obj.born is not None:
            born, word = self.place(obj.born), "made here" if obj.made else "loaded here"
            if note.status is not None and note.status.loss is Loss.NEVER_LOADED:
                query = None if obj.query is None or obj.made else self.place(obj.query)
                if query is not None and (query.filename, query.line) != (born.filename, born.line):
                    steps.append(Evidence(query, f"queried here without `{note.name}`"))
                else:
                    word += f" without `{note.name}`"
            steps.append(Evidence(born, word))
        if note.status is not None and note.status.spot is not None and note.status.loss:
            steps.append(Evidence(self.place(note.status.spot), _LOST.get(note.status.loss, "lost here")))
        if note.exit is not None:
            steps.append(Evidence(self.place(note.exit[1]), _LEFT[note.exit[0]]))
        if note.use is not None and note.kind == "late":
            how = "is declared here, so it is read" if note.text == "schema" else "is read by the template here"
            if self.text(note.use).endswith(f".{note.name}"):
                how = "is read here, in the validator"
            steps.append(Evidence(self.place(note.use), f"`{note.name}` {how}"))
        if standing != note.spot and note.kind in ("late", "key"):
            steps += self.between(standing, note.spot)
            what = f"`{self.text(note.spot)}` is read" if note.use is None else f"the {note.text} reads it"
            steps.append(Evidence(self.place(note.spot), f"{what} here"))
        return tuple(dict.fromkeys(steps))

    # -- kinds ---------------------------------------------------------------------------------------------------

    def late(self) -> list[LateRead]:
        """One finding for one cause; further reads stand in its evidence."""
        groups: dict[object, list[tuple[Place, Note, Spot]]] = {}
        for note in self.notes("late"):
            assert note.obj is not None
            assert note.status is not None
            standing = self.standing(note.spot, note.cause)
            place = self.place(standing)
            cause = self.place(note.cause) if note.cause else None
            what = note.name if note.status.loss is Loss.NEVER_LOADED else ""
            born = self.place(note.obj.born) if note.obj.born else None
            eager = note.status.eager
            key = (
                note.status.loss,
                cause,
                note.exit[0] if note.exit else None,
                what,
                born,
                note.obj.entity.name,
                eager,
                note.guard,
                self.run.frames[standing.frame][2:],
            )
            groups.setdefault(key, []).append((place, note, standing))
        made: list[LateRead] = []
        for noted in groups.values():
            group = [each for each in noted if not (each[1].shadowed and each[1].spot in self.run.log.fine)]
            if not group:
                continue
            group.sort(key=lambda each: (each[0], self.place(each[1].spot)))
            place, note, standing = group[0]
            evidence = self.story(note, standing)
            others = dict.fromkeys(other for other, _, _ in group[1:] if other != place)
            evidence += tuple(Evidence(other, "also read here") for other in others)
            made.append(self.late_read(note, standing, place, evidence))
        once: dict[object, LateRead] = {}
        for read in sorted(made, key=lambda read: (read.place, -len(read.evidence))):
            once.setdefault((read.place, read.attribute, read.loss, read.exit), read)
        # Where the handler that rolls back is followed, too, that is the nearer cause.
        rest = {(read.place, read.attribute) for read in once.values() if read.loss is not Loss.FAILED_FLUSH}
        return [
            read
            for read in once.values()
            if read.loss is not Loss.FAILED_FLUSH or (read.place, read.attribute) not in rest
        ]

    def late_read(self, note: Note, standing: Spot, place: Place, evidence: tuple[Evidence, ...]) -> LateRead:
        obj, status = note.obj, note.status
        assert obj is not None
        assert status is not None
        assert status.loss is not None
        inside = standing != note.spot
        session = note.session
        return LateRead(
            place=place,
            text=f"{obj.entity.name}.{note.name}" if inside or not self.reads_it(note) else self.text(note.spot),
            entity=obj.entity.name,
            attribute=note.name,
            is_relationship=note.name in obj.entity.relationships,
            loss=status.loss,
            exit=note.exit[0] if note.exit else None,
            is_async=(note.exit is None and not note.guard) or (session is not None and session.is_async),
            was_eager=status.eager,
            evidence=evidence,
            load_fix=self.load_fix(note, obj) if status.loss is Loss.NEVER_LOADED else None,
            keep_fix=self.keep_fix(note),
            confidence=self.fine(note.spot),
            reader=note.text if note.use is not None and note.kind == "late" else "",
            guard=note.guard,
            heir=obj.entity.below.get(note.name, ""),
        )

    def reads_it(self, note: Note) -> bool:
        return self.text(note.spot).endswith(f".{note.name}")

    def factory_spot(self, note: Note) -> tuple[Spot, bool] | None:
        cause = note.status.spot if note.status else None
        factory = self.run.factory_of.get(cause) if cause is not None else None
        if factory is None or factory.spot is None:
            return None
        return factory.spot, factory.fixable

    def keep_fix(self, note: Note) -> Fix | None:
        found = self.factory_spot(note)
        if found is None or not found[1] or note.status is None or note.status.loss is not Loss.COMMIT:
            return None
        if note.obj is not None and note.name in note.obj.entity.below:
            return None  # It was not there before the commit either.
        source = self.source(found[0])
        return Fix(
            (fixes.add_argument(source, found[0].span, "expire_on_commit=False"),),
            Safety.REVIEW,
            "add `expire_on_commit=False`",
        )

    def load_fix(self, note: Note, obj: Object) -> Fix | None:
        if obj.query is None or obj.optioned or (obj.made and not obj.path) or note.name in obj.entity.below:
            return None
        source = self.source(obj.query)
        module = self.run.frames[obj.query.frame][2]
        chain = [*obj.path, (obj.entity.name, note.name)]
        if any(self.run.program.name(module, entity) is None for entity, _ in chain):
            return None
        return fixes.load_with_query(source, module, obj.query.span, chain, note.name in obj.entity.relationships)

    def factories(self) -> Iterable[ExpiringFactory]:
        found: dict[Place, ExpiringFactory] = {}
        for note in sorted(self.notes("late"), key=lambda n: self.place(n.spot)):
            cause = note.status.spot if note.status else None
            if note.status is None or note.status.loss is not Loss.COMMIT or cause is None:
                continue
            if note.guard and not note.status.loaded:
                continue  # It would raise without the commit, too.
            factory = self.run.factory_of.get(cause)
            if factory is None or factory.spot is None or not factory.is_async or factory.asked:
                continue
            if factory.spot not in self.run.log.factories:
                continue
            place = self.place(factory.spot)
            if place in found:
                continue
            steps = (
                Evidence(self.place(cause), "expired here by the commit"),
                Evidence(self.place(note.spot), "read here"),
            )
            found[place] = ExpiringFactory(place, steps, self.keep_fix(note))
        return found.values()

    def early(self) -> Iterable[EarlyKeyRead]:
        made: dict[tuple[Place, str], EarlyKeyRead] = {}
        for note in self.notes("key"):
            assert note.obj is not None
            standing = self.standing(note.spot, note.cause)
            text = self.text(note.spot) if standing == note.spot else ""
            if not text.endswith(note.name):  # the read is a response model's
                text = f"{note.obj.entity.name}.{note.name}"
            is_async = note.session is not None and note.session.is_async
            read = EarlyKeyRead(
                self.place(standing), text, note.obj.entity.name, note.name, self.story(note, standing), is_async,
                None, self.fine(note.spot),
            )  # fmt: skip
            made.setdefault((read.place, read.attribute), replace(read, fix=self.flush_fix(note, is_async)))
        return sorted(made.values(), key=lambda read: read.place)

    def flush_fix(self, note: Note, is_async: bool) -> Fix | None:
        added = self.run.added_at.get(note.oid)
        if added is None:
            return None
        spot, session_text_span = added
        source = self.source(spot)
        session = source.slice(session_text_span).rpartition(".")[0]
        return fixes.flush_after(source, spot.span, session, is_async) if session else None

    def handovers(self) -> Iterable[Handover]:
        made: dict[Place, Handover] = {}
        for note in self.notes("handover"):
            assert note.obj is not None
            assert note.use is not None
            call = self.text(note.use).partition("(")[0]
            place = self.place(note.spot)
            name = fixes.name_of(self.text(note.spot), note.obj.entity.name)
            made[place] = Handover(
                place, name, note.obj.entity.name, call, note.obj.entity.key,
                self.story(note, note.spot) or (Evidence(self.place(note.use), "sent here"),), Confidence.CERTAIN,
            )  # fmt: skip
        return made.values()

    def foreign(self) -> Iterable[ForeignUse]:
        made: dict[Place, ForeignUse] = {}
        for note in self.notes("foreign"):
            assert note.obj is not None
            if note.shadowed and note.spot in self.run.log.fine:
                continue
            standing = self.standing(note.spot, note.cause)
            place = self.place(standing)
            text = fixes.first_argument(self.text(note.spot)) or note.obj.entity.name
            is_async = note.session is not None and note.session.is_async
            made.setdefault(place, ForeignUse(
                place, text, note.obj.entity.name, note.name, note.text, self.story(note, standing), is_async,
                self.fine(note.spot),
            ))  # fmt: skip
        return made.values()

    def attached(self) -> Iterable[SecondSession]:
        made: dict[Place, SecondSession] = {}
        told: set[tuple[Spot | None, str]] = set()
        for note in sorted(self.notes("attached"), key=lambda note: note.shadowed):
            assert note.obj is not None
            assert note.session is not None
            assert note.use is not None
            if note.shadowed and ((note.cause, note.text) in told or note.spot in self.run.log.fine):
                continue
            told.add((note.cause, note.text))
            is_handed = note.handed != (0, 0, 0)
            standing = note.spot if is_handed else self.standing(note.spot, note.cause)
            place = self.place(standing)
            entity = note.obj.entity.name
            steps = [
                *self.story(note, standing),
                Evidence(self.place(note.use), f"this session holds the {entity}"),
                Evidence(self.place(note.session.spot), "this is the other session"),
            ]
            if is_handed:
                steps.append(Evidence(self.place(Spot(note.handed[0], note.handed[1])), "handed over here"))
            if standing != note.spot:
                steps.append(Evidence(self.place(note.spot), "it is to take the object in here"))
            text = self.text(standing).partition("(")[0]
            made.setdefault(place, SecondSession(
                place, text, entity, note.text, tuple(dict.fromkeys(steps)), note.session.is_async,
                self.fine(note.spot),
            ))  # fmt: skip
        return made.values()

    def merges(self) -> Iterable[IgnoredMerge]:
        made: dict[Place, IgnoredMerge] = {}
        words = {"refresh": "refreshed", "expire": "expired", "expunge": "expunged"}
        for note in sorted(self.notes("merge"), key=lambda n: self.place(n.use or n.spot)):
            assert note.obj is not None
            assert note.use is not None
            place = self.place(note.spot)
            if place in made:
                continue
            use = words.get(note.text, note.text)
            source = self.source(note.spot)
            text = fixes.first_argument(self.text(note.spot))
            evidence = (*self.story(note, note.spot), Evidence(self.place(note.use), f"{use} here"))
            session = note.session
            fix = fixes.assign_result(source, note.spot.span, text)
            is_async = bool(session and session.is_async) or fixes.is_awaited(source, note.spot.span)
            sure = Confidence.CERTAIN if note.obj.made or note.exit is not None else Confidence.LIKELY
            made[place] = IgnoredMerge(place, text, note.obj.entity.name, use, evidence, is_async, fix, sure)
        return made.values()

    def methods(self) -> Iterable[UnknownMethod]:
        made: dict[Place, UnknownMethod] = {}
        for note in self.notes("method"):
            assert note.session is not None
            place = self.place(note.spot)
            instead = INSTEAD.get(note.name)
            if note.name == "query":
                instead = "execute(select(...))"
            fix = None
            if note.name == "clear":
                fix = Fix((Edit(place, "expunge_all"),), Safety.SAFE, "call `expunge_all` instead")
            evidence = (Evidence(self.place(note.session.spot), f"this is SQLAlchemy's `{note.text}`"),)
            text = self.source(note.spot).lines[place.line - 1][: (place.end_column or 1) - 1].strip().split()[-1:]
            made[place] = UnknownMethod(
                place, (text or [note.name])[0], note.name, note.text, instead, evidence, fix, Confidence.CERTAIN
            )
        return made.values()

    def unawaited(self) -> Iterable[Unawaited]:
        made: dict[Place, Unawaited] = {}
        notes = [*self.notes("coroutine")]
        # Some caller gives a sync session, whatever the annotation says.
        sync = {self.line(spot) for spot in self.run.log.fine} if notes else set[object]()
        for note in notes:
            assert note.session is not None
            place = self.place(note.spot)
            if place in made or (note.session.factory is None and self.line(note.spot) in sync):
                continue
            source = self.source(note.spot)
            use = None if note.use is None else note.name
            steps = [Evidence(self.place(note.session.spot), "this session is async")]
            if note.use is not None:
                steps.append(Evidence(self.place(note.use), "used here as if it were the result"))
            _, _, module, index = self.run.frames[note.spot.frame]
            is_async = index >= 0 and module.function(index).is_async
            fix = fixes.await_call(source, note.spot.span, Safety.REVIEW if use is None else Safety.SAFE)
            called = self.text(note.spot).partition("(")[0]
            made[place] = Unawaited(
                place, f"{called}()", use, tuple(steps), fix if is_async else None, Confidence.CERTAIN
            )
        return made.values()

    def reopened(self) -> Iterable[Reopened]:
        made: dict[Place, Reopened] = {}
        for note in self.notes("reopened"):
            session = note.session
            assert session is not None
            assert session.closed is not None
            standing = self.standing(note.spot, note.cause)
            steps = [
                Evidence(self.place(session.spot), "this session"),
                Evidence(self.place(session.closed), "is closed at the end of this"),
            ]
            if standing != note.spot:
                steps.append(Evidence(self.place(note.spot), "it begins anew here"))
            text = self.text(note.spot).partition("(")[0] if standing == note.spot else "session"
            once = Reopened(
                self.place(standing), text, session.final, session.collected, session.is_async, tuple(steps),
                Confidence.LIKELY,
            )  # fmt: skip
            made.setdefault(once.place, once)
        return made.values()

    def cached(self) -> Iterable[CachedRead]:
        """One finding for each function that reads what a cache has kept; further reads stand in its evidence."""
        groups: dict[object, list[Note]] = {}
        for note in sorted(self.notes("cached"), key=lambda note: self.place(note.spot)):
            groups.setdefault((note.use, self.run.frames[note.spot.frame][2:]), []).append(note)
        for notes in groups.values():
            note = notes[0]
            assert note.use is not None
            place, keeper = self.place(note.spot), self.place(note.use)
            steps = [step for step in self.story(note, note.spot) if step.place != keeper]
            others = dict.fromkeys(at for each in notes if (at := self.place(each.spot)) != place)
            yield CachedRead(
                self.late_read(note, note.spot, place, ()), note.text, re.split(r"[(\[]", self.text(note.use))[0],
                (*steps, Evidence(keeper, "kept here, for the calls that follow"),
                 *(Evidence(other, "also read here") for other in others)),
            )  # fmt: skip

    def shared(self) -> Iterable[SharedSession]:
        """One finding for each place at which a session is used once too often."""
        made: dict[Place, SharedSession] = {}
        for note in self.notes("shared"):
            session, meeting = note.session, note.meeting
            assert session is not None
            assert meeting is not None
            place = self.place(note.spot)
            first, use, other = _MEETINGS[meeting.how]
            told = (
                Evidence(self.place(session.spot), "this session"),
                *([Evidence(self.place(meeting.left), "left with the request here")] if meeting.left else []),
                Evidence(self.place(meeting.first), first),
                Evidence(self.place(meeting.use), use),
                Evidence(self.place(meeting.other), other),
            )
            steps = tuple(step for step in dict.fromkeys(told) if step.place != place)
            text = f"{self.text(note.spot).partition('(')[0]}()"
            made.setdefault(place, SharedSession(place, text, session.is_async, meeting.how, steps, Confidence.LIKELY))
        return made.values()

    def background(self) -> Iterable[BackgroundRead]:
        """One finding for each call that hands work over; the first of its reads tells the story."""
        made: dict[tuple[Place, bool], BackgroundRead] = {}
        for note in sorted((*self.notes("handed"), *self.notes("captured")), key=lambda n: self.place(n.spot)):
            frame, call, argument = note.handed
            place = self.place(Spot(frame, argument))
            read_at = self.place(note.spot)
            steps = [step for step in self.story(note, note.spot) if step.place != place]
            handed = Evidence(self.place(Spot(frame, call)), "handed over here")
            read = self.late_read(note, note.spot, read_at, ())
            evidence = (*steps, handed, Evidence(read_at, f"`{read.text}` is read here, by then"))
            called = fixes.callee(self.text(Spot(frame, call)))
            once = BackgroundRead(place, read, called, note.text, note.kind == "captured", evidence)
            made.setdefault((place, once.is_captured), once)
        return made.values()

    def streams(self) -> Iterable[LateStream]:
        """One finding for each generator; what raises tells the story, rather than a session that begins anew."""
        made: dict[Place, LateStream] = {}
        for note in sorted(self.notes("streamed"), key=lambda note: (note.text == "session", self.place(note.spot))):
            frame, call, argument = note.handed
            place, used = self.place(Spot(frame, argument)), self.place(note.spot)
            called = self.text(Spot(frame, call)).partition("(")[0]
            read = self.late_read(note, note.spot, used, ()) if note.status is not None else None
            if note.text == "session":
                assert note.session is not None
                assert note.session.closed is not None
                steps = [
                    Evidence(self.place(note.session.spot), "this session"),
                    Evidence(self.place(note.session.closed), "is closed at the end of this"),
                    Evidence(used, "it begins anew here, by then"),
                ]
            else:
                text = f"`{read.text}` is read" if read is not None else "the result is iterated over"
                steps = [*self.story(note, note.spot), Evidence(used, f"{text} here, by then")]
            made.setdefault(place, LateStream(
                place, "" if call == argument else called, read, note.text == "result",
                tuple(step for step in steps if step.place != place),
            ))  # fmt: skip
        return made.values()

    def dumps(self) -> Iterable[EmptyDump]:
        """Only what is empty on every path: `{}` after an error that was caught is often meant."""
        made: dict[Place, EmptyDump] = {}
        for note in self.notes("empty"):
            if note.spot in self.run.log.fine:
                continue
            assert note.obj is not None
            assert note.status is not None
            assert note.status.loss is not None
            standing = self.standing(note.spot, note.cause)
            place = self.place(standing)
            entity = note.obj.entity.name
            evidence = self.story(note, standing)
            if standing != note.spot:
                evidence += (Evidence(self.place(note.spot), "serialised here"),)
            factory = self.run.factory_of.get(note.cause) if note.cause is not None else None
            is_async = any(one is not None and one.is_async for one in (note.session, factory))
            made.setdefault(place, EmptyDump(
                place, f"the {entity}" if standing != note.spot else self.dumped_text(note, entity), entity,
                note.name, note.status.loss, is_async, evidence,
                self.keep_fix(note), Confidence.CERTAIN,
            ))  # fmt: skip
        return made.values()

    def dumped_text(self, note: Note, entity: str) -> str:
        """The object as it is written, where it is a plain name."""
        text = self.text(note.spot)
        if note.name == "return":
            name = text.removeprefix("return").strip()
        else:
            name = fixes.first_argument(text) or text.partition("(")[0].rpartition(".")[0]
        return name if name.isidentifier() else f"the {entity}"

    def commits(self) -> Iterable[LateCommit]:
        """One finding for one commit, however many path operations leave their changes to it."""
        groups: dict[Place, list[Note]] = {}
        for note in self.notes("commit"):
            groups.setdefault(self.place(self.standing(note.spot, note.cause)), []).append(note)
        for place, notes in sorted(groups.items()):
            notes.sort(key=lambda note: self.place(note.use or note.spot))
            first = notes[0]
            assert first.use is not None
            assert first.cause is not None
            standing = self.standing(first.spot, first.cause)
            evidence = [Evidence(self.place(first.use), f"`{first.name}` changes this and does not commit")]
            if standing != first.spot:
                evidence.append(Evidence(self.place(first.spot), "committed here"))
            module, index = self.run.frames[first.cause.frame][2:]
            own = FunctionSymbol(module, index) if index >= 0 else None  # Else it is a library's.
            yield LateCommit(
                place, self.text(standing) if own else first.text, own.facts.name if own else first.text,
                tuple(dict.fromkeys(n.name for n in notes)), self.run.fastapi >= FUNCTION_SCOPE,
                tuple(evidence), self.scope_fix(own) if own else None, Confidence.LIKELY,
            )  # fmt: skip

    def mixed(self) -> Iterable[MixedScopes]:
        groups: dict[tuple[Place, Place], list[Note]] = {}
        for note in self.notes("mixed"):
            assert note.use is not None
            groups.setdefault((self.place(note.spot), self.place(note.use)), []).append(note)
        for (place, other), notes in sorted(groups.items(), key=lambda group: group[0]):
            sites = dependencies.sites(self.run)
            symbols = [one.function.symbol for one, _ in sites if one.site == notes[0].spot]
            yield MixedScopes(
                place,
                notes[0].text,
                tuple(dict.fromkeys(note.name for note in notes)),
                (Evidence(other, "asked for here until the response has been sent"),),
                self.scope_fix(symbols[0]) if symbols else None,
            )

    def scope_fix(self, symbol: FunctionSymbol) -> Fix | None:
        if self.run.fastapi < FUNCTION_SCOPE:
            return None
        edits: dict[Edit, None] = {}
        for dependency, owner in dependencies.sites(self.run):
            if dependency.function.symbol != symbol:
                continue
            text = self.text(dependency.site)
            # What lasts for the request cannot depend on what does not: FastAPI refuses.
            if owner.facts.is_generator or not re.fullmatch(r"[\w.]*Depends\(.*\)", text):
                return None
            if not dependency.scope:
                source = self.source(dependency.site)
                edits[fixes.add_argument(source, dependency.site.span, 'scope="function"')] = None
        return Fix(tuple(edits), Safety.REVIEW, f'end `{symbol.facts.name}` before the response: `scope="function"`')
