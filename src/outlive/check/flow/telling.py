"""Notes -> observations: which frame a finding stands in, its evidence, its confidence and its fix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from outlive.check.findings import Confidence, Edit, Fix, Safety
from outlive.check.flow import Flow, fixes
from outlive.check.flow.interpreter import Interpreter
from outlive.check.flow.log import Note
from outlive.check.flow.observations import (
    EarlyKeyRead,
    Exit,
    ExpiringFactory,
    ForeignUse,
    Handover,
    IgnoredMerge,
    LateRead,
    Loss,
    UnknownMethod,
)
from outlive.check.flow.sessions import INSTEAD
from outlive.check.flow.state import Object
from outlive.check.flow.values import Spot
from outlive.check.source import Source
from outlive.lifecycle.evidence import Evidence
from outlive.lifecycle.places import Place

_LOST = {
    Loss.COMMIT: "expired here by the commit",
    Loss.ROLLBACK: "expired here by the rollback",
    Loss.FLUSH: "expired here by the flush of an UPDATE",
    Loss.EXPIRE: "expired here",
    Loss.REFRESH: "dropped here by the refresh",
}
_LEFT = {
    Exit.CLOSE: "detached here, where its session closes",
    Exit.EXPUNGE: "expunged here",
    Exit.LOSS: "detached here: nothing holds its session any longer",
}


def tell(run: Interpreter, sources: Mapping[str, Source]) -> Flow:
    """Everything that was noted, in the words of the hazards."""
    teller = _Teller(run, sources)
    late = teller.late()
    return Flow(
        late_reads=tuple(late),
        expiring_factories=tuple(teller.factories()),
        early_key_reads=tuple(teller.early()),
        handovers=tuple(teller.handovers()),
        foreign_uses=tuple(teller.foreign()),
        ignored_merges=tuple(teller.merges()),
        unknown_methods=tuple(teller.methods()),
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

    def fine(self, spot: Spot) -> Confidence:
        return Confidence.LIKELY if spot in self.run.log.fine else Confidence.CERTAIN

    def notes(self, kind: str) -> list[Note]:
        return [note for note in self.run.log.notes if note.kind == kind]

    def story(self, note: Note, standing: Spot) -> tuple[Evidence, ...]:
        obj = note.obj
        steps: list[Evidence] = []
        if obj is not None and obj.born is not None:
            word = "made here" if obj.made else "loaded here"
            if note.status is not None and note.status.loss is Loss.NEVER_LOADED:
                word += f" without `{note.name}`"
            steps.append(Evidence(self.place(obj.born), word))
        if note.status is not None and note.status.spot is not None and note.status.loss:
            steps.append(Evidence(self.place(note.status.spot), _LOST.get(note.status.loss, "lost here")))
        if note.exit is not None:
            steps.append(Evidence(self.place(note.exit[1]), _LEFT[note.exit[0]]))
        if note.use is not None and note.kind == "late":
            steps.append(Evidence(self.place(note.use), f"`{note.name}` is declared here, so it is read"))
        if standing != note.spot and note.kind in ("late", "key"):
            steps.append(Evidence(self.place(note.spot), f"`{self.text(note.spot)}` is read here"))
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
                self.run.frames[standing.frame][2:],
            )
            groups.setdefault(key, []).append((place, note, standing))
        made: list[LateRead] = []
        for group in groups.values():
            if all(note.shadowed and note.spot in self.run.log.fine for _, note, _ in group):
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
        return list(once.values())

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
            is_async=note.exit is None or (session is not None and session.is_async),
            was_eager=status.eager,
            evidence=evidence,
            load_fix=self.load_fix(note, obj) if status.loss is Loss.NEVER_LOADED else None,
            keep_fix=self.keep_fix(note),
            confidence=self.fine(note.spot),
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
        source = self.source(found[0])
        return Fix(
            (fixes.add_argument(source, found[0].span, "expire_on_commit=False"),),
            Safety.REVIEW,
            "add `expire_on_commit=False`",
        )

    def load_fix(self, note: Note, obj: Object) -> Fix | None:
        if obj.query is None or obj.optioned or (obj.made and not obj.path):
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
            text = self.text(note.spot) if standing == note.spot else f"{note.obj.entity.name}.{note.name}"
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
            standing = self.standing(note.spot, note.cause)
            place = self.place(standing)
            text = fixes.first_argument(self.text(note.spot)) or note.obj.entity.name
            is_async = note.session is not None and note.session.is_async
            made.setdefault(place, ForeignUse(
                place, text, note.obj.entity.name, note.name, note.text, self.story(note, standing), is_async,
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
            made[place] = IgnoredMerge(
                place, text, note.obj.entity.name, use, evidence, is_async, fix, Confidence.CERTAIN
            )
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
