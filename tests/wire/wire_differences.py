"""Where this client does something else than the public one, and why: the whole list.

Every line of the comparison must be covered here, and every line here must still occur: see `test_wire.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Difference:
    """One thing that is done differently on purpose.

    Attributes:
        method: The method of the client, as a shell pattern.
        what: What is different.
        why: The reason.
        lines: What the comparison's lines about it look like, each a regular expression for a whole line.
        scenario: In which calls of the method it is seen, as a shell pattern for their names.
    """

    method: str
    what: str
    why: str
    lines: tuple[str, ...]
    scenario: str = "*"

    def covers(self, method: str, scenario: str, line: str) -> bool:
        """Return whether a line of the comparison of one call is about this."""
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
        what="nothing is asked when a session is made",
        why="Only logs need to know whether the tenant is a spoke: asked then, once, and never for a plan.",
        lines=(r"GET /tenant-management/api/v1/external/tenants/tenant-metadata: sent -> not sent",),
    ),
    Difference(
        method="*",
        what="GET and DELETE have no body",
        why="The public client sends `{}` with them, which means nothing and which proxies may refuse.",
        lines=(r"GET \S+ body: \{\} -> absent", r"DELETE \S+ body: \{\} -> absent"),
    ),
    Difference(
        method="create_workflow",
        what="a write whose answer was lost is not sent again",
        why="The public client repeats a POST after 503 and the like, and so creates a second workflow.",
        lines=(rf"POST {_ALL}: sent -> not sent", r"outcome: returned -> InternalServerErrorException"),
        scenario="lost answer",
    ),
    Difference(
        method="create_workflow",
        what="a write that was pushed back is not sent again",
        why="A gateway may say 429 of a write that took effect: whoever repeats it looks first.",
        lines=(rf"POST {_ALL}: sent -> not sent", r"outcome: returned -> TooManyRequestsException"),
        scenario="pushed back",
    ),
    Difference(
        method="execute_workflow",
        what="a start that met a full queue is not sent again",
        why="As above: the run may have begun, and run looks for it before it starts another.",
        lines=(rf"POST {_ONE}/execute: sent -> not sent", r"outcome: returned -> TooManyRequestsException"),
        scenario="full queue",
    ),
    Difference(
        method=_UPDATES,
        what="an update keeps the URL of a webhook that states no policy",
        why="Left out, the policy is `generate`: a new URL, which breaks whoever calls the old one.",
        lines=(rf'PUT {_ONE} body triggers: (.*)\{{"webhook": true\}}(.*) -> \1{_KEPT}\2',),
    ),
    Difference(
        method=_UPSERT,
        what="the search states its page",
        why="All pages are walked, each by its number; the public client looks at the first only.",
        lines=(rf"GET {_ALL} query pageNumber: absent -> 1",),
    ),
    Difference(
        method=_UPSERT,
        what="a name on a later page is found, and updated",
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
        what="an ambiguous name is an error",
        why="The public client overwrites whichever workflow of that name is listed first.",
        lines=(rf"PUT {_ONE}: sent -> not sent", r"outcome: returned -> AmbiguousNameError"),
        scenario="twins",
    ),
    Difference(
        method="get_execution_logs",
        what="saved logs return an empty object",
        why="The documentation says that a dictionary is returned; the public client returns None.",
        lines=(r"result: null -> \{\}",),
        scenario="saved*",
    ),
    Difference(
        method=_PATCH,
        what="metadata and workflow-level retryOptions are kept",
        why="The public client leaves them out of the body, and so removes them with every patch.",
        lines=(
            rf"PUT {_ONE} body metadata: absent -> \{{.*\}}",
            rf"PUT {_ONE} body retryOptions: absent -> \{{.*\}}",
        ),
    ),
    Difference(
        method=_PATCH,
        what="every trigger is kept",
        why="The public client sends the first trigger only, and so removes the others.",
        lines=(
            rf'PUT {_ONE} body triggers: \[(\{{"cron": "[^"]*"\}})\] -> \[\1, {_KEPT}\]',
            r'result triggers: \[(\{"cron": [^}]*\})\] -> \[\1, \{"webhook": "<0>"\}\]',
        ),
    ),
    Difference(
        method=_PATCH,
        what="a restated webhook keeps its URL",
        why="As for an update: the policy that is left out would give it a new one.",
        lines=(rf'PUT {_ONE} body triggers: \[\{{"webhook": true\}}\] -> \[{_KEPT}\]',),
        scenario="body: webhook",
    ),
    Difference(
        method=_PATCH,
        what="False, 0 and empty text are values",
        why="The public client takes a falsy keyword for one that was not given.",
        lines=tuple(rf"PUT {_ONE} body steps\.\w+\.\w+: .* -> {value}" for value in ("0", "false", '""')),
        scenario="*=*",
    ),
    Difference(
        method=_PATCH,
        what="the workflow's ID is not sent in its steps",
        why="The public client finds its keywords by their value, and adds `workflowId` to every step "
        "where the ID equals one of them (`True` equals 1).",
        lines=(rf"PUT {_ONE} body steps\.\w+\.workflowId: 1 -> absent",),
    ),
    Difference(
        method=_PATCH,
        what="a masked token is not sent back",
        why="Sent back, the mask would take the place of the credential's name.",
        lines=(rf'PUT {_ONE} body steps\.\w+\.repository\.token: "\*+" -> absent',),
        scenario="server: token-masked",
    ),
    Difference(
        method=_PATCH,
        what="of a tag only its name is sent",
        why="That is what is documented of it; what else a server may tell of a tag is not the caller's.",
        lines=(rf"PUT {_ONE} body tags: .*futureMode.* -> (?!.*futureMode).*",),
        scenario="server: unknown-fields",
    ),
    Difference(
        method=_PATCH,
        what="env as a map is understood",
        why="The public client ends in a ValueError before it sends anything.",
        lines=(rf"PUT {_ONE}: not sent -> sent", r"outcome: ValueError -> returned"),
        scenario="server: env-map",
    ),
    Difference(
        method=_PATCH,
        what="nulls in a described workflow are understood",
        why="The public client ends in an AttributeError before it sends anything.",
        lines=(rf"PUT {_ONE}: not sent -> sent", r"outcome: AttributeError -> returned"),
        scenario="server: nulls",
    ),
    Difference(
        method=_PATCH,
        what="what is no object may replace an object",
        why="The public client ends in a TypeError; what to make of such a body is the server's to say.",
        lines=(rf"PUT {_ONE}: not sent -> sent", r"outcome: TypeError -> returned"),
        scenario="body: a scalar over an object",
    ),
    Difference(
        method=_PATCH,
        what="steps that are none are refused in words",
        why="The public client ends in an AttributeError.",
        lines=(r"outcome: AttributeError -> InvalidParameterException",),
        scenario="body: steps that are none",
    ),
    Difference(
        method=_PATCH,
        what="an empty step_names is refused",
        why="The public client takes a list that names no step for all steps.",
        lines=(rf"PUT {_ONE}: sent -> not sent", r"outcome: returned -> InvalidParameterException"),
        scenario="no step",
    ),
)
"""All of them."""
