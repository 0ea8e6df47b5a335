"""Which execution may enter a stage: "How pipeline executions work", CodePipeline User Guide.

A stage has one execution at a time. In front of it they wait: in SUPERSEDED mode the newest alone, in
QUEUED mode all in their order. In PARALLEL mode nobody waits. A shut gate is a disabled transition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from chela_bed.aws.engines import executions
from chela_bed.aws.engines.executions import Execution
from chela_bed.aws.engines.floor import Gates
from chela_bed.aws.engines.pipelines import PARALLEL, SUPERSEDED, Pipeline

Place = tuple[str, str]


class Traffic:
    """The stages' locks; all of it happens under the gates' lock."""

    def __init__(self, gates: Gates, overtaken: Callable[[Execution], None]) -> None:
        self._gates = gates
        self._overtaken = overtaken
        self._waiting: dict[Place, list[Execution]] = defaultdict(list)
        self._inside: dict[Place, list[Execution]] = defaultdict(list)
        # The greatest number that has entered.
        self.newest: dict[Place, int] = defaultdict(int)

    def queue(self, pipeline: Pipeline, execution: Execution, stage: str) -> None:
        """Stand in front of a stage, and go in if it is free."""
        place = (pipeline.name, stage)
        with self._gates.changed:
            if execution.status != executions.IN_PROGRESS:
                return
            self._waiting[place].append(execution)
            self._waiting[place].sort(key=lambda each: each.number)
            if pipeline.mode == SUPERSEDED:
                self._supersede(place)
            self._let_in(pipeline, place)

    def _supersede(self, place: Place) -> None:
        older, self._waiting[place] = self._waiting[place][:-1], self._waiting[place][-1:]
        for execution in older:
            if execution.status == executions.IN_PROGRESS:
                self._overtaken(execution)

    def enter(self, pipeline: Pipeline, execution: Execution, stage: str) -> bool:
        """Wait until it is inside; False if it never will be."""
        place = (pipeline.name, stage)

        def decided() -> bool:
            self._let_in(pipeline, place)
            return execution in self._inside[place] or execution.status != executions.IN_PROGRESS

        with self._gates.at(*place):
            self._gates.changed.wait_for(decided)
            if execution in self._waiting[place]:
                self._waiting[place].remove(execution)
            return execution in self._inside[place]

    def leave(self, pipeline: Pipeline, execution: Execution, stage: str) -> None:
        """Let the next one in."""
        with self._gates.changed:
            self._inside[(pipeline.name, stage)].remove(execution)
            self._let_in(pipeline, (pipeline.name, stage))
            self._gates.changed.notify_all()

    def _let_in(self, pipeline: Pipeline, place: Place) -> None:
        waiting, inside = self._waiting[place], self._inside[place]
        while waiting and not self._gates.is_shut(*place) and (pipeline.mode == PARALLEL or not inside):
            first = waiting.pop(0)
            if first.status == executions.IN_PROGRESS:
                inside.append(first)
                self.newest[place] = max(self.newest[place], first.number)
