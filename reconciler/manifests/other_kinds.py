"""Files of the platform's other kinds, which often live next to the manifests of workflows."""

from __future__ import annotations

from typing import Final

from reconciler.values import JsonObject, JsonValue, as_object

_SPECS: Final = frozenset({"config", "release", "metadata"})
_OF_EXECUTIONS: Final = frozenset({"params", "stepsToRun"})
_OF_DEPLOYMENTS: Final = frozenset({"appParameters", "blocksConfig", "revision", "spec"})
_OF_METADATA: Final = frozenset({"descriptionContentType", "imageUrl", "featured"})
_OF_METRICS: Final = frozenset({"measures", "dimensions", "queries", "namespace"})


def other_kind(value: JsonValue) -> str:
    """Return which other kind of file a document is, as a message names it; empty for what may be a workflow.

    A document whose body has `steps` is always taken for a workflow.
    """
    document = as_object(value)
    body = as_object(document.get("body")) if "body" in document else document
    if not body or "steps" in body or "patch" in document:
        return ""
    found = _kind_of_body({*body}, body)
    if not found and "artifact" in document:
        return "a release, an artifact or a collection of metrics"
    if not found and {*body} & _OF_METRICS and "name" not in body:
        return "a query or a namespace of metrics"
    return found


def _kind_of_body(keys: set[str], body: JsonObject) -> str:
    kinds = {
        "an image or a version of one": isinstance(body.get("buildDetails"), dict),
        "a web app or a service": isinstance(body.get("imageDetails"), dict),
        "a specification of a Press app or block": isinstance(body.get("kind"), str) and bool(keys & _SPECS),
        "the parameters of an execution": keys <= _OF_EXECUTIONS,
        "a deployment of Press, or its parameters": bool(keys & _OF_DEPLOYMENTS) or keys == {"parameters"},
        "the metadata of a Press app or block": bool(keys & _OF_METADATA),
        "an e-mail": {"recipients", "subject"} <= keys,
    }
    return next((kind for kind, is_it in kinds.items() if is_it), "")
