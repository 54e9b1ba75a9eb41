"""The intended differences between this client and the public one, each with its reason.

`test_wire.py` checks that these cover every line of the comparison, and that each still occurs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Difference:
    """One intended difference.

    Attributes:
        method: The method of the client, as a shell pattern.
        summary: The difference, as a clause about this client.
        why: The reason.
        lines: Regular expressions for whole lines of the comparison.
        scenario: A shell pattern for the names of the scenarios in which it occurs.
    """

    method: str
    summary: str
    why: str
    lines: tuple[str, ...]
    scenario: str = "*"

    def covers(self, method: str, scenario: str, line: str) -> bool:
        """Return whether a line of the comparison of one call is an instance of this difference."""
        here = fnmatchcase(method, self.method) and fnmatchcase(scenario, self.scenario)
        return here and any(re.fullmatch(pattern, line) for pattern in self.lines)


_ONE = r"/workflows/api/v1/workflows/\d+"
_ALL = r"/workflows/api/v1/workflows/"
_KEPT = r'\{"webhook": true, "webhookPolicy": "preserve"\}'
_UPDATES = "*update*"
_UPSERT = "create_or_update_workflow"
_PATCH = "patch_workflow"

DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        method="*",
        summary="creating a session sends no request",
        why="Only logs need to know whether the tenant is a spoke; the request is sent then, once.",
        lines=(r"GET /tenant-management/api/v1/external/tenants/tenant-metadata: sent -> not sent",),
    ),
    Difference(
        method="*",
        summary="GET and DELETE have no body",
        why="The public client sends `{}` with them, which has no meaning and which proxies may refuse.",
        lines=(r"GET \S+ body: \{\} -> absent", r"DELETE \S+ body: \{\} -> absent"),
    ),
    Difference(
        method="create_workflow",
        summary="a write whose answer was lost is not sent again",
        why="The public client repeats a POST after 503 and the like, and so creates a second workflow.",
        lines=(rf"POST {_ALL}: sent -> not sent", r"outcome: returned -> InternalServerErrorException"),
        scenario="lost answer",
    ),
    Difference(
        method="create_workflow",
        summary="a write that was answered with 429 is not sent again",
        why="A gateway may answer 429 to a write that took effect: a retry must look first.",
        lines=(rf"POST {_ALL}: sent -> not sent", r"outcome: returned -> TooManyRequestsException"),
        scenario="answered with 429",
    ),
    Difference(
        method="execute_workflow",
        summary="a start that met a full queue is not sent again",
        why="As above: the execution may have started, and `run` looks for it before it starts another.",
        lines=(rf"POST {_ONE}/execute: sent -> not sent", r"outcome: returned -> TooManyRequestsException"),
        scenario="full queue",
    ),
    Difference(
        method=_UPDATES,
        summary="an update keeps the URL of a webhook without a policy",
        why="Left out, the policy is `generate`: a new URL, which breaks callers of the old one.",
        lines=(rf'PUT {_ONE} body triggers: (.*)\{{"webhook": true\}}(.*) -> \1{_KEPT}\2',),
    ),
    Difference(
        method=_UPSERT,
        summary="the search has a page number",
        why="All pages are read, each by its number; the public client reads only the first.",
        lines=(rf"GET {_ALL} query pageNumber: absent -> 1",),
    ),
    Difference(
        method=_UPSERT,
        summary="a name on a later page is found, and updated",
        why="The public client does not find it, and creates a second workflow of that name.",
        lines=(
            rf"POST {_ALL}: sent -> not sent",
            rf"GET {_ALL}: not sent -> sent",
            rf"PUT {_ONE}: not sent -> sent",
            r"result id: 107 -> 106",
        ),
        scenario="second page",
    ),
    Difference(
        method=_UPSERT,
        summary="an ambiguous name is an error",
        why="The public client overwrites the first listed workflow of that name.",
        lines=(rf"PUT {_ONE}: sent -> not sent", r"outcome: returned -> AmbiguousNameError"),
        scenario="twins",
    ),
    Difference(
        method="get_execution_logs",
        summary="saved logs return an empty object",
        why="The documentation says that a dictionary is returned; the public client returns None.",
        lines=(r"result: null -> \{\}",),
        scenario="saved*",
    ),
    Difference(
        method=_PATCH,
        summary="metadata and workflow-level retryOptions are kept",
        why="The public client leaves them out of the body, and so removes them with every patch.",
        lines=(
            rf"PUT {_ONE} body metadata: absent -> \{{.*\}}",
            rf"PUT {_ONE} body retryOptions: absent -> \{{.*\}}",
        ),
    ),
    Difference(
        method=_PATCH,
        summary="every trigger is kept",
        why="The public client sends the first trigger only, and so removes the others.",
        lines=(
            rf'PUT {_ONE} body triggers: \[(\{{"cron": "[^"]*"\}})\] -> \[\1, {_KEPT}\]',
            r'result triggers: \[(\{"cron": [^}]*\})\] -> \[\1, \{"webhook": "<0>"\}\]',
        ),
    ),
    Difference(
        method=_PATCH,
        summary="a restated webhook keeps its URL",
        why="As for an update: without the policy it would get a new one.",
        lines=(rf'PUT {_ONE} body triggers: \[\{{"webhook": true\}}\] -> \[{_KEPT}\]',),
        scenario="body: webhook",
    ),
    Difference(
        method=_PATCH,
        summary="False, 0 and empty text are values",
        why="The public client takes a falsy keyword for one that was not given.",
        lines=tuple(rf"PUT {_ONE} body steps\.\w+\.\w+: .* -> {value}" for value in ("0", "false", '""')),
        scenario="*=*",
    ),
    Difference(
        method=_PATCH,
        summary="the workflow's ID is not sent in its steps",
        why="The public client finds its keywords by their value, and adds `workflowId` to every step "
        "where the ID equals one of them (`True` equals 1).",
        lines=(rf"PUT {_ONE} body steps\.\w+\.workflowId: 1 -> absent",),
    ),
    Difference(
        method=_PATCH,
        summary="a patch that would lose a masked token is refused",
        why="Sent back, the mask would replace the credential's name; left out, it would be removed.",
        lines=(rf"PUT {_ONE}: sent -> not sent", r"outcome: returned -> InvalidParameterException"),
        scenario="server: token-masked",
    ),
    Difference(
        method=_PATCH,
        summary="undocumented fields of the workflow and its triggers are sent back",
        why="Left out, they would be removed by the update.",
        lines=(
            rf"PUT {_ONE} body future\w+: absent -> .*",
            rf"PUT {_ONE} body triggers: .* -> .*futureMode.*",
            r"result triggers: .* -> .*futureMode.*",
        ),
        scenario="server: unknown-fields",
    ),
    Difference(
        method=_PATCH,
        summary="only the name of a tag is sent",
        why="Only the name is documented; other fields of a tag are the server's.",
        lines=(rf"PUT {_ONE} body tags: .*futureMode.* -> (?!.*futureMode).*",),
        scenario="server: unknown-fields",
    ),
    Difference(
        method=_PATCH,
        summary="env as a map is accepted",
        why="The public client raises ValueError before it sends anything.",
        lines=(rf"PUT {_ONE}: not sent -> sent", r"outcome: ValueError -> returned"),
        scenario="server: env-map",
    ),
    Difference(
        method=_PATCH,
        summary="nulls in a described workflow are accepted",
        why="The public client raises AttributeError before it sends anything.",
        lines=(rf"PUT {_ONE}: not sent -> sent", r"outcome: AttributeError -> returned"),
        scenario="server: nulls",
    ),
    Difference(
        method=_PATCH,
        summary="a value that is not an object may replace an object",
        why="The public client raises TypeError; the server decides about such a body.",
        lines=(rf"PUT {_ONE}: not sent -> sent", r"outcome: TypeError -> returned"),
        scenario="body: a scalar over an object",
    ),
    Difference(
        method=_PATCH,
        summary="null as steps is refused with a message",
        why="The public client raises AttributeError.",
        lines=(r"outcome: AttributeError -> InvalidParameterException",),
        scenario="body: null as steps",
    ),
    Difference(
        method=_PATCH,
        summary="an empty step_names is refused",
        why="The public client treats an empty list as all steps.",
        lines=(rf"PUT {_ONE}: sent -> not sent", r"outcome: returned -> InvalidParameterException"),
        scenario="no step",
    ),
)
"""All intended differences."""
