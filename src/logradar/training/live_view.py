"""How a training is shown: one live panel in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from logradar.core.progress import Progress, clock
from logradar.training.gpus import GpuRecord, Gpus
from logradar.training.status import Status

if TYPE_CHECKING:
    from rich.panel import Panel

_PER_SECOND: Final = 4.0
_GPUS_EVERY: Final = 1.0  # seconds between two readings of the GPUs


class TrainingView(Progress):
    """Shows a changing ``status``: a `Progress` over the rows of all epochs."""

    def __init__(self, status: Status, total: float, gpus: Gpus | None = None) -> None:
        super().__init__(status.title, total, "rows")
        self.status, self._gpus = status, gpus
        self.record = GpuRecord()
        self._looked = 0.0

    def look(self, now: bool = False) -> None:
        """Read the counters of the GPUs, at most once a second unless it must be ``now``."""
        if self._gpus is not None and (now or time.monotonic() - self._looked >= _GPUS_EVERY):
            self._looked = time.monotonic()
            self.status.gpus = self._gpus.read()
            self.record.add(self.status.gpus)

    def _draw(self) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True)
            self._bar: Any = Live(get_renderable=self.render, console=console, refresh_per_second=_PER_SECOND)
            self._bar.start()

    def render(self) -> Panel:
        """The panel as it is now."""
        from rich.console import Group
        from rich.panel import Panel as Box
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        self.look()
        s = self.status
        share = min(self.done / self.total, 1.0) if self.total else 0.0
        top = Table.grid(padding=(0, 2), expand=True)
        top.add_column(no_wrap=True)
        top.add_column(ratio=1)
        top.add_column(no_wrap=True, justify="right")
        top.add_row(f"epoch {s.epoch} of {s.epochs}", ProgressBar(total=1.0, completed=share), f"{share:.0%}")
        facts = Table.grid(padding=(0, 3))
        facts.add_row(*_fact("step", f"{s.step:,} of {s.steps:,}"), *_fact("rows/s", f"{s.rows_per_second:,.0f}"))
        facts.add_row(*_fact("loss", _number(s.loss)), *_fact("mean of the epoch", _number(s.mean)))
        best = f"{_number(s.eval_loss)} (best {_number(s.best)})" if s.eval_loss is not None else "–"
        rate = "–" if s.rate is None else f"{s.rate:.3g}"
        facts.add_row(*_fact("validation loss", best), *_fact("learning rate", rate))
        left = "–" if s.left is None else f"{clock(s.left)} at most"
        facts.add_row(*_fact("elapsed", clock(s.elapsed)), *_fact("left", left))
        rows: list[Any] = [top, facts, *(f"[cyan]{gpu}[/cyan]" for gpu in s.gpus)]
        return Box(Group(*rows), title=f"training {s.title}", title_align="left", width=78)


def _fact(name: str, value: str) -> tuple[str, str]:
    return f"[dim]{name}[/dim]", value


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
