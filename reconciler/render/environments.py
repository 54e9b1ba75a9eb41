"""Results in several environments as one text, one JSON document or one Markdown comment.

Takes how one result is rendered, and adds the names, the errors and the totals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from reconciler.environments import EnvironmentResult, worst_exit_code
from reconciler.json_documents import document_pieces
from reconciler.render.markup import LEAST, code, paint
from reconciler.render.report_as_markdown import markdown_report, marker
from reconciler.render.report_page import Fact, ReportPage, joined_pages
from reconciler.text import counted, printable

FORMAT_VERSION: Final = 1
_SKIPPED: Final = "skipped, because an environment before it was not applied in full"
_FOR_THE_TOTAL: Final = 1_000
"""The bytes of a comment that are kept free for the total."""

T = TypeVar("T")


def environment_heading(name: str) -> str:
    """Return the line above the result in one environment."""
    return paint(f"Environment {printable(name)}", "bold")


def environments_text(
    results: Sequence[EnvironmentResult[T]], text_of: Callable[[T], str], total: Callable[[Sequence[T]], str]
) -> str:
    """Return the results as text: a heading above each, the total at the end.

    Args:
        results: The result in each environment.
        text_of: Returns one result as text.
        total: Returns the sum of all results in words.
    """
    parts = [f"{environment_heading(item.environment)}\n\n{_text(item, text_of)}\n" for item in results]
    return "\n".join([*parts, environments_total(results, total)])


def _text(item: EnvironmentResult[T], text_of: Callable[[T], str]) -> str:
    if item.value is not None:
        return text_of(item.value)
    if item.error is None:
        return _SKIPPED
    hint = f"\n  {printable(item.error.hint)}" if item.error.hint else ""
    return paint("error: ", "red") + "\n  ".join(map(printable, item.error.message.splitlines())) + hint


def environments_total(results: Sequence[EnvironmentResult[T]], total: Callable[[Sequence[T]], str]) -> str:
    """Return the sum of the results in one line, with the environments that have none."""
    values = [item.value for item in results if item.value is not None]
    failed = [item.environment for item in results if item.error is not None]
    skipped = [item.environment for item in results if item.skipped]
    summed = f" {total(values)}." if values else ""
    without = [
        f" {len(names)} {word}: {', '.join(map(printable, names))}."
        for word, names in (("failed", failed), ("skipped", skipped))
        if names
    ]
    return f"Total of {counted(len(results), 'environment')}:{summed}{''.join(without)}"


def environments_json(
    results: Sequence[EnvironmentResult[T]], key: str, document_of: Callable[[T], object]
) -> Iterator[str]:
    """Yield the results as one JSON object, in pieces.

    Args:
        results: The result in each environment.
        key: The key of a result: `plan`, `report`, `status` or `check`.
        document_of: Returns the document of one result, as the same command prints it for one environment;
            it may be one for `document_pieces`.
    """
    return document_pieces(
        {
            "format_version": FORMAT_VERSION,
            "exit_code": int(worst_exit_code(results)),
            "environments": (_document(item, key, document_of) for item in results),
        }
    )


def _document(item: EnvironmentResult[T], key: str, document_of: Callable[[T], object]) -> dict[str, object]:
    error = item.error
    return {
        "environment": item.environment,
        "exit_code": None if item.skipped else int(item.exit_code),
        "skipped": item.skipped,
        "error": None if error is None else error.message,
        "hint": None if error is None else error.hint or None,
        key: None if item.value is None else document_of(item.value),
    }


def environments_markdown(
    results: Sequence[EnvironmentResult[T]],
    kind: str,
    page_of: Callable[[T, str], ReportPage],
    total: Callable[[Sequence[T]], str],
    limit: int,
) -> str:
    """Return the results as one Markdown comment of at most `limit` bytes.

    Args:
        results: The result in each environment.
        kind: The kind of a report.
        page_of: Returns the report of one result in an environment.
        total: Returns the sum of all results in words.
        limit: The maximum size in bytes, at least `LEAST`.
    """
    head = f"{marker(kind)}\n{code(printable(environments_total(results, total)))}"
    room = max(limit, LEAST) - _FOR_THE_TOTAL
    parts: list[str] = []
    for number, item in enumerate(results):
        share = room // (len(results) - number)
        part = _markdown(item, page_of, share)
        if len(part.encode()) > share:  # more environments than a comment has room for
            part = f"{code(item.environment, 60)}: not shown, for lack of room"
        if len(part.encode()) <= share:
            parts.append(part)
            room -= len(part.encode()) + 2
    return "\n\n".join([head, *parts])


def _markdown(item: EnvironmentResult[T], page_of: Callable[[T, str], ReportPage], share: int) -> str:
    if item.value is not None:
        _, _, shown = markdown_report(page_of(item.value, item.environment), share).partition("\n")
        return shown
    return (
        f"### {code(item.environment, 100)}\n\n"
        f"**{'Skipped' if item.skipped else 'Error'}:** {code(_reason(item), 500)}"
    )


def environments_page(
    results: Sequence[EnvironmentResult[T]],
    page_of: Callable[[T, str], ReportPage],
    total: Callable[[Sequence[T]], str],
    nothing: ReportPage,
) -> ReportPage:
    """Return the results as one report, each workflow with its environment; takes what the others take.

    Args:
        results: The result in each environment.
        page_of: Returns the report of one result in an environment.
        total: Returns the sum of all results in words.
        nothing: The report where no environment has a result; its summary is not shown.
    """
    pages = {item.environment: page_of(item.value, "") for item in results if item.value is not None}
    missing = [
        Fact(f"{item.environment}: {'skipped' if item.skipped else 'error'}", _reason(item), stands_out=True)
        for item in results
        if item.value is None
    ]
    return joined_pages(pages, environments_total(results, total), tuple(missing), nothing)


def _reason(item: EnvironmentResult[T]) -> str:
    return _SKIPPED if item.error is None else item.error.message
