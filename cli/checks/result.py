"""A check's result, and the deployment that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from teardown.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.aws.session import Session
    from cli.aws.stacks import Stack
    from infra.settings import Settings


class State(StrEnum):
    """How a result bears on the deployment: RISKY stops it unless `--force` is given, WRONG stops it in any case."""

    OK = "ok"
    HINT = "hint"
    RISKY = "risky"
    WRONG = "wrong"


@dataclass(frozen=True)
class CheckResult:
    """One sentence or two; if something is wrong, with what to do."""

    subject: str
    state: State
    text: str

    @property
    def stops(self) -> bool:
        """Return whether it keeps the lab from being deployed."""
        return self.state in {State.RISKY, State.WRONG}


@dataclass(frozen=True)
class Deployment:
    """A deployment that is about to begin: its settings, its account and region, and the stacks that stand there."""

    session: Session
    settings: Settings
    stacks: Sequence[Stack]

    @property
    def own(self) -> list[Stack]:
        """Return the stacks that are the lab's."""
        return [stack for stack in self.stacks if stack.is_of(self.settings.name)]

    def owns(self, name: str) -> bool:
        """Return whether a resource of this name is the lab's or of one of its seats."""
        return Scope(lab=self.settings.name).names(name)
