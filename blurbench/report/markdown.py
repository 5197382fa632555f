"""A comparison as a Markdown table, for an issue or a README."""

from __future__ import annotations

from blurbench.report.compare import code_line, header_lines, sentence
from blurbench.report.console import markdown_row
from blurbench.report.rows import row_texts
from blurbench.study.answer import Answer


def to_markdown(answer: Answer) -> str:
    """The question, the table, the sentence and the code."""
    lines = [*header_lines(answer.image.name, answer.problem, answer.options.cache), ""]
    lines += [
        "| implementation | time [95 %] | vs fastest | error | verdict |",
        "| --- | --- | --- | ---: | --- |",
    ]
    for row in answer.rows:
        lines.append(markdown_row(row_texts(row)))
    lines += ["", sentence(answer)]
    code = code_line(answer)
    if code:
        lines += ["", "```python", code, "```"]
    return "\n".join(lines) + "\n"
