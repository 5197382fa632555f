"""A comparison as a Markdown table, for an issue or a README."""

from __future__ import annotations

from blurbench.analysis.answer import Answer
from blurbench.report.answer import answer_lines, code_line, sentence
from blurbench.report.compare import heading_of
from blurbench.report.console import markdown_row
from blurbench.report.heading import device_lines
from blurbench.report.point_tables import row_texts


def to_markdown(answer: Answer) -> str:
    """The question, the table, the sentence and the code."""
    lines = [*heading_of(answer), *device_lines(answer.devices), ""]
    lines += [
        "| implementation | time [95 %] | vs first | error | verdict |",
        "| --- | --- | --- | ---: | --- |",
    ]
    for row in answer.rows:
        lines.append(markdown_row(row_texts(row)))
    lines += ["", sentence(answer.rows, answer.same)]
    code = code_line(answer.rows)
    if code:
        lines += ["", "```python", code, "```", ""]
    lines += answer_lines(answer.rows)
    return "\n".join(lines) + "\n"
