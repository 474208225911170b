"""What happens to each object: abstract interpretation over the linked program."""

from __future__ import annotations

from dataclasses import dataclass

from outlive.check.flow.observations import (
    EarlyKeyRead,
    ExpiringFactory,
    ForeignUse,
    Handover,
    IgnoredMerge,
    LateRead,
    UnknownMethod,
)

__all__ = ["Flow"]


@dataclass(frozen=True, slots=True)
class Flow:
    """Everything that the flow saw in one program; what hazards ask."""

    late_reads: tuple[LateRead, ...] = ()
    expiring_factories: tuple[ExpiringFactory, ...] = ()
    early_key_reads: tuple[EarlyKeyRead, ...] = ()
    handovers: tuple[Handover, ...] = ()
    foreign_uses: tuple[ForeignUse, ...] = ()
    ignored_merges: tuple[IgnoredMerge, ...] = ()
    unknown_methods: tuple[UnknownMethod, ...] = ()
