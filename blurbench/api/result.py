"""What a run found, for people in Python and in notebooks."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blurbench.analysis.outcome import is_whole, why_nothing_ran
from blurbench.api.html import to_html
from blurbench.errors import InputError
from blurbench.extras import load_extra
from blurbench.records.export import to_json
from blurbench.records.journal import Log, save
from blurbench.records.summary import brief_rows
from blurbench.report.views import view_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

PANDAS = "pandas>=2.2"
NO_ANSWER = "Nothing is proven: a longer budget tells more."
EARLY = "Interrupted: this is what was measured until then."
MOST_LINES = 8  # of what stands for a result


class RunResult:
    """What `compare`, `sweep` or `crossover` found, or what a folder keeps of it.

    Attributes:
        interrupted: whether it was ended early, from the keyboard or otherwise.
    """

    def __init__(self, log: Log, interrupted: bool = False) -> None:
        self._log = log
        self.interrupted = interrupted or not is_whole(log)

    @property
    def study(self) -> str:
        """What was asked: `compare`, `sweep` or `crossover`."""
        return str(self._log.run.about["study"])

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One for each implementation, image and kernel size, by the columns of `--csv`.

        Times are in seconds; None is what was not measured.
        """
        return brief_rows(self._log.rows())

    @property
    def answer(self) -> str:
        """The sentences, a line each; first what puts them at risk."""
        rows = self._log.rows()
        lines = [EARLY] if self.interrupted else []
        lines += [f"Warning: {risk}." for risk in self._log.run.risks]
        reason = why_nothing_ran(rows)
        if reason is None:
            lines += view_of(self._log).answer(self._log) or [NO_ANSWER]
        else:
            lines.append(f"There is no answer: {reason}.")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """What `--json` writes."""
        document: dict[str, Any] = json.loads(to_json(view_of(self._log).document(self._log)))
        return document

    def to_pandas(self) -> DataFrame:
        """The rows as a table of pandas.

        Raises:
            InputError: pandas is not installed.
        """
        pandas = load_extra("pandas", PANDAS, "to_pandas needs")
        table: DataFrame = pandas.DataFrame(self.rows)
        return table

    def plot(self, everything: bool = False) -> Figure:
        """A picture, as `blurbench plot` draws it: the best over kernel size, or a dot each.

        Args:
            everything: whether to draw all that was measured, as `--all` does.

        Raises:
            InputError: Matplotlib is not installed, or nothing has a time.
        """
        load_extra("matplotlib", "plot", "plot needs")
        from blurbench.report.plots.data import has_times
        from blurbench.report.plots.figure import draw

        if not has_times(self._log):
            raise InputError("the result holds no times: there is nothing to draw")
        _let_notebooks_show_figures()
        return draw([self._log], everything)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Keep every sample in a new folder, which `load` and the commands read.

        Raises:
            InputError: the folder holds a run already, or cannot be written.
        """
        save(self._log, Path(folder))

    def __repr__(self) -> str:
        lines = self.answer.splitlines()
        above = view_of(self._log).above(self._log)[0]
        more = ["..."] if len(lines) > MOST_LINES else []
        return "\n".join([f"<blurbench {self.study}: {above}>", *lines[:MOST_LINES], *more])

    def _repr_html_(self) -> str:
        return to_html(view_of(self._log), self._log, self.answer.splitlines())


def _let_notebooks_show_figures() -> None:
    """Else a notebook shows figures only once Matplotlib's pyplot was imported."""
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None and hasattr(shell, "kernel"):
        from IPython.core.pylabtools import select_figure_formats

        select_figure_formats(shell, {"png"})
