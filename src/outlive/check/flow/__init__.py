"""What happens to each object: abstract interpretation over the linked program."""

from __future__ import annotations

from msgspec import Struct

from outlive.check.flow.observations import (
    BackgroundRead,
    CachedRead,
    EarlyKeyRead,
    EmptyDump,
    ExpiringFactory,
    ForeignUse,
    Handover,
    IgnoredMerge,
    LateCommit,
    LateRead,
    LateStream,
    MixedScopes,
    Reopened,
    SecondSession,
    SharedSession,
    Unawaited,
    UnknownMethod,
)

__all__ = ["Flow"]


class Flow(Struct, frozen=True):
    """Everything that the flow saw in one program; what hazards ask."""

    late_reads: tuple[LateRead, ...] = ()
    schema_reads: tuple[LateRead, ...] = ()
    guarded_reads: tuple[LateRead, ...] = ()
    expiring_factories: tuple[ExpiringFactory, ...] = ()
    early_key_reads: tuple[EarlyKeyRead, ...] = ()
    handovers: tuple[Handover, ...] = ()
    foreign_uses: tuple[ForeignUse, ...] = ()
    second_sessions: tuple[SecondSession, ...] = ()
    ignored_merges: tuple[IgnoredMerge, ...] = ()
    unknown_methods: tuple[UnknownMethod, ...] = ()
    unawaited_calls: tuple[Unawaited, ...] = ()
    reopened_sessions: tuple[Reopened, ...] = ()
    background_reads: tuple[BackgroundRead, ...] = ()
    late_commits: tuple[LateCommit, ...] = ()
    empty_dumps: tuple[EmptyDump, ...] = ()
    cached_reads: tuple[CachedRead, ...] = ()
    late_streams: tuple[LateStream, ...] = ()
    shared_sessions: tuple[SharedSession, ...] = ()
    mixed_scopes: tuple[MixedScopes, ...] = ()
