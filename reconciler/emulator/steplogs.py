"""The lines that a step's run writes to its log. Pure text; when they appear is decided elsewhere."""

from __future__ import annotations

from reconciler.emulator import catalogue
from reconciler.values import JsonObject, as_object


def log_lines(name: str, body: JsonObject, params: JsonObject, exit_code: int) -> tuple[str, ...]:
    """Return what the step `name` logs while it runs.

    Args:
        name: The step's name.
        body: The step as stored.
        params: The run's `params`: `global` and `stepWise`.
        exit_code: What the step's command ends with.
    """
    given = {**as_object(params.get("global")), **as_object(as_object(params.get("stepWise")).get(name))}
    lines = [*_preparation(body), *(f"Parameter {key}={value}" for key, value in given.items()), *_work(body)]
    return (*lines, f"Step {name} finished with exit code {exit_code}")


def _preparation(body: JsonObject) -> list[str]:
    repository = as_object(body.get("repository"))
    lines = []
    if repository.get("url"):
        target = str(repository["url"]).rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
        lines += [f"Cloning into '{target}'...", f"Switched to branch '{repository.get('branch') or 'main'}'"]
    if body.get("imageId"):
        version = catalogue.image_version(body.get("imageVersionId"))
        lines.append(f"Using image {catalogue.image_name(body['imageId'])}:{version}")
    return lines


def _work(body: JsonObject) -> list[str]:
    kind = body.get("type") or "standard"
    if kind == "http":
        return [f"{str(body.get('method') or 'get').upper()} {body.get('url')}", "Response status 200"]
    if kind == "sql":
        source = body.get("sqlQueryPath") or as_object(body.get("repository")).get("filePath")
        return [f"Running query {source}", "1 statement executed"]
    if kind == "export":
        return [f"Exporting {body.get('schema')}.{body.get('table')}", "0 rows exported"]
    command = str(body.get("command") or "")
    echoed = command.removeprefix("echo ")
    return [f"Running: {command}", *([echoed] if echoed != command else [])]
