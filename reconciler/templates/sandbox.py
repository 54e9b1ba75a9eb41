"""Sandbox in which templates are rendered: Jinja2's own, with every operation counted.

A template reaches its parameters, the files that it may include and, if the settings allow it, environment
variables; it calls no Python but the filters, tests and methods of plain values that Jinja2 offers.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from types import CodeType, TracebackType
from typing import Any, Final

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.lexer import TokenStream
from jinja2.meta import find_referenced_templates
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context

from reconciler.findings import Position
from reconciler.secrecy import Redactor
from reconciler.templates.budget import (
    MAX_BITS,
    MAX_INCLUDES,
    Budget,
    BudgetError,
    expected_size,
    percent_size,
    power_bits,
    product_size,
)
from reconciler.templates.origins import Origins, Part
from reconciler.templates.places import (
    INCLUDED,
    ITEMS,
    JOINED,
    LITERAL,
    OUTPUT,
    WANTED,
    WEIGHED,
    Place,
    instrumented,
    read_tokens,
)
from reconciler.templates.template_settings import OS_ENV, Undefined
from reconciler.templates.template_text import (
    MAX_TEMPLATE_CHARACTERS,
    MissingTemplateError,
    RenderContext,
    Rendered,
    TemplateFile,
    TemplateProblemError,
)
from reconciler.text import clip, did_you_mean, printable

_NOT_OFFERED: Final = ("random", "urlize", "striptags", "pprint", "xmlattr")
"""Filters that give another text each time, that are for HTML, or whose time grows faster than their text."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_PLAIN: Final = (int, float, type(None), list, tuple, dict, set, frozenset, jinja2.Undefined)
"""The types of values, besides text, that an expression may output."""

_KEPT_CHARACTERS: Final = 500_000
"""The characters of the templates that are kept compiled, which takes up to 140 bytes for each."""

_LEAST_MATCHED: Final = 4
_LONGEST_ERROR: Final = 300


class _Piece(str):
    """An output that knows its parts. Python joins pieces to plain text, which has none."""

    __slots__ = ("parts",)
    parts: tuple[Part, ...]

    @staticmethod
    def of(parts: tuple[Part, ...]) -> _Piece:
        piece = _Piece("".join([part.text for part in parts]))
        piece.parts = parts
        return piece

    def __str__(self) -> str:
        return self


class _MissingNameError(jinja2.UndefinedError):
    """An undefined name is used, of `owner` if it is not a name of the template."""

    def __init__(self, message: str | None, name: str | None, owner: Any) -> None:  # noqa: ANN401
        super().__init__(message)
        self.name = name
        self.owner = owner


class _Strict(jinja2.StrictUndefined):
    """An undefined name, whose use is an error that knows the name."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = jinja2.utils.missing,  # noqa: ANN401 - any value of a template
        name: str | None = None,
        exc: Any = jinja2.UndefinedError,  # noqa: ANN401 - a class of exceptions
    ) -> None:
        owner = None if obj is jinja2.utils.missing else obj
        is_plain = exc is jinja2.UndefinedError and hint is None

        def missing(message: str | None) -> Exception:
            return _MissingNameError(message, name, owner)

        super().__init__(hint, obj, name, missing if is_plain else exc)  # type: ignore[arg-type]


class _Kept(_Strict):
    """An undefined name that is left as it is written where nothing is done with it but output."""

    __slots__ = ()

    def __getattr__(self, name: str) -> _Kept:
        if name[:2] == "__":
            raise AttributeError(name)
        return self

    def __getitem__(self, _name: Any) -> _Kept:  # type: ignore[override]  # noqa: ANN401
        return self


_UNDEFINED: Final[dict[Undefined, type[jinja2.Undefined]]] = {
    Undefined.ERROR: _Strict,
    Undefined.EMPTY: jinja2.Undefined,
    Undefined.KEEP: _Kept,
}


class _Variables(Mapping[str, str]):
    """The environment variables; each value that a template reads is passed to `read`."""

    def __init__(self, variables: Mapping[str, str], read: Callable[[str, str], None]) -> None:
        self._variables = variables
        self._read = read

    def __getitem__(self, name: str) -> str:
        value = self._variables[name]
        self._read(name, value)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __repr__(self) -> str:
        return OS_ENV


class Rendering:
    """The rendering of one template."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self.budget = Budget()
        self.secrets: dict[str, str] = {}
        self._sources: dict[str, str] = {}
        self._places: dict[str, tuple[Place, ...]] = {}
        self._active: list[str] = []
        self._has_read = False
        """Whether a variable was read since the last output."""

    def run(self, template: TemplateFile) -> Rendered:
        """Return the text that `template` renders to.

        Raises:
            TemplateProblemError: The template is invalid.
        """
        environment = _environment(self._context.settings.undefined)
        previous, environment.rendering = environment.rendering, self
        try:
            parts = _shown(self._parts(environment, template), template.file)
        except Exception as error:
            raise self._problem(error, template) from error
        finally:
            environment.rendering = previous
        text = "".join([part.text for part in parts])
        return Rendered(
            text=text,
            origins=Origins.of(template.file, self._sources, parts, text),
            secrets=self.secrets,
            steps=self.budget.steps,
        )

    def _parts(self, environment: _Environment, template: TemplateFile) -> Iterator[str]:
        compiled = self.compiled(environment, template)
        values: dict[str, Any] = _without_nulls(self._context.parameters)
        if self._context.settings.os_env:
            values[OS_ENV] = _Variables(self._context.variables, self._read)
        return compiled.root_render_func(compiled.new_context(values))

    def compiled(self, environment: _Environment, template: TemplateFile) -> jinja2.Template:
        """Return the compiled template; the same for the same file and text."""
        if len(template.text) > MAX_TEMPLATE_CHARACTERS:
            raise BudgetError(f"a template has at most {MAX_TEMPLATE_CHARACTERS} characters")
        self._sources[template.file] = template.text
        text = template.text.replace("\r\n", "\n").replace("\r", "\n")
        built = environment.built(template.file, text)
        self._places[template.file] = built.places
        for name in built.mentioned:
            self._context.mention(name, template.file)
        return built.template

    def included(self, environment: _Environment, wanted: str, parent: str) -> jinja2.Template:
        """Return the compiled template that `parent` includes, imports or extends.

        Raises:
            TemplateNotFound: There is no such file.
            TemplateProblemError: It may not be read.
        """
        self.budget.spend(10)
        try:
            template = self._context.read(wanted, parent)
        except MissingTemplateError as error:
            raise jinja2.TemplateNotFound(wanted, str(error)) from None
        return self.compiled(environment, template)

    def entered(self, name: str, chunks: Iterable[str]) -> Iterator[str]:
        """Yield the chunks of the template `name`, while which it is active.

        Raises:
            TemplateProblemError: It is active already, or too many are.
        """
        if name in self._active:
            chain = " → ".join([*self._active[self._active.index(name) :], name])
            raise TemplateProblemError("template", f"circular include: {chain}")
        if len(self._active) >= MAX_INCLUDES:
            raise BudgetError(f"more than {MAX_INCLUDES} templates include each other")
        self._active.append(name)
        try:
            yield from chunks
        finally:
            self._active.pop()

    def literal(self, number: int, file: str) -> str:
        """Return a text that is written in a template, as a piece."""
        place = self._places[file][number - 1]
        self.budget.give(len(place.text))
        return _Piece.of((Part(place.text, file, place.line, place.column, literal=True),))

    def output(self, value: Any, file: str, number: int) -> str:  # noqa: ANN401 - any value of a template
        """Return the value of an expression, as a piece; one with parts keeps them."""
        if isinstance(value, _Piece):
            return value
        place = self._places[file][number - 1]
        if isinstance(value, _Kept) and place.is_expression:
            value = place.text
        if not isinstance(value, str):
            if not isinstance(value, _PLAIN):
                raise TemplateProblemError(
                    "template", f"a value of the type {_kind(value)} cannot be written"
                )
            self.budget.weigh(value)
            value = str(value)
        self.budget.give(len(value))
        secret = self._has_read or self._is_secret(value)
        self._has_read = False
        return _Piece.of((Part(value, file, place.line, place.column, secret=secret),))

    def place(self, file: str, number: int) -> Place:
        """Return a place of a template."""
        places = self._places.get(file, ())
        return places[number - 1] if 0 < number <= len(places) else Place(1, 1, "")

    def _read(self, name: str, value: str) -> None:
        if _SURROGATE.search(value):
            shown = repr(clip(name, 100))
            raise TemplateProblemError("template", f"the environment variable {shown} is not valid UTF-8")
        if value:
            self._has_read = True
            self.secrets[value] = name

    def _is_secret(self, text: str) -> bool:
        return text in self.secrets or any(
            len(secret) >= _LEAST_MATCHED and secret in text for secret in self.secrets
        )

    def _problem(self, error: Exception, template: TemplateFile) -> TemplateProblemError:
        if isinstance(error, _NotATemplateError):
            file, place = error.file, error.place
        else:
            file, number = _place(error.__traceback__) or (template.file, 1)
            place = self.place(file, number)
        rule, message, name = self._explained(error)
        message = printable(clip(Redactor.of(self.secrets).text(message), _LONGEST_ERROR))
        position = _position(place, name)
        return TemplateProblemError(rule, message, "" if file == template.file else file, position)

    def _explained(self, error: Exception) -> tuple[str, str, str]:
        """Return the rule that an error breaks, the message, and the name that it is about."""
        rule, name = "template", ""
        match error:
            case TemplateProblemError():
                rule, message = error.rule, error.message
            case _NotATemplateError():
                message = f"not a valid template: {error}"
            case BudgetError():
                rule, message = "template-too-large", str(error)
            case RecursionError():
                rule, message = "template-too-large", "the template nests too deeply"
            case _MissingNameError():
                rule, name = "undefined", error.name or ""
                message = self._undefined(name, error.owner)
            case SecurityError():
                message = f"not allowed in a template: {error}"
            case jinja2.TemplateNotFound():
                message = error.message or f"there is no file {error.name!r}"
            case _:
                message = f"the template fails: {str(error) or type(error).__name__}"
        return rule, message, name

    def _undefined(self, name: str, owner: Any) -> str:  # noqa: ANN401 - any value of a template
        shown = repr(clip(name, 60))
        if isinstance(owner, _Variables):
            return (
                f"the environment variable {shown} is not set; set it, or write {OS_ENV}.NAME | default('')"
            )
        if isinstance(owner, dict):
            return f"the mapping has no key {shown}; {did_you_mean(name, [str(key) for key in owner])}"
        if owner is not None:
            return f"a value of the type {_kind(owner)} has no {shown}"
        if name == OS_ENV:
            return (
                f"{OS_ENV} is not available: set templates: {{os_env: true}} in reconciler.yaml, or use !env"
            )
        return f"the parameter {shown} is not set: {self._context.suggestion(name)}"


class _NotATemplateError(Exception):
    """A text that is not a template; it knows its place."""

    def __init__(self, message: str, file: str, place: Place) -> None:
        super().__init__(message)
        self.file = file
        self.place = place


class _Wanted(str):
    """The name of a template that another one imports or extends."""

    __slots__ = ("parent",)
    parent: str


@dataclass(frozen=True, slots=True)
class _Built:
    """A compiled template, its places, and the names of those that it may include."""

    template: jinja2.Template
    places: tuple[Place, ...]
    mentioned: frozenset[str]


class _Environment(ImmutableSandboxedEnvironment):
    """The environment of Jinja2; its templates and their operations belong to the current `rendering`."""

    intercepted_binops = frozenset(ImmutableSandboxedEnvironment.default_binop_table)

    def __init__(self, undefined: type[jinja2.Undefined]) -> None:
        super().__init__(undefined=undefined, cache_size=0, autoescape=False, optimized=False)
        self.rendering: Rendering = None  # type: ignore[assignment] # set while a template is rendered
        self.globals.pop("lipsum")
        for name in _NOT_OFFERED:
            self.filters.pop(name, None)
        self.filters = {name: self._counted(name, function) for name, function in self.filters.items()}
        self.tests = {name: self._counted(name, function) for name, function in self.tests.items()}
        self.filters |= {
            LITERAL: self._internal(lambda run, number, file: run.literal(number, file)),
            OUTPUT: self._internal(lambda run, value, file, number: run.output(value, file, number)),
            WANTED: self._internal(_wanted),
            ITEMS: self._internal(lambda run, values: run.budget.items(values)),
            WEIGHED: self._internal(_weighed),
            JOINED: self._internal(_joined),
            INCLUDED: self._internal(self._included),
        }
        self._stream: tuple[tuple[int, str, str], ...] = ()
        self._mentioned: list[str] = []
        self._shapes: dict[str, tuple[CodeType, frozenset[str]]] = {}
        self._known: dict[tuple[str, str], _Built] = {}
        self._characters = 0

    def built(self, file: str, text: str) -> _Built:
        """Return the compiled template with that text."""
        known = self._known.get((file, text))
        if known is None:
            self._characters += len(text)
            if self._characters > _KEPT_CHARACTERS:
                self._known.clear()
                self._shapes.clear()
                self._characters = len(text)
            known = self._known[file, text] = self._build(file, text)
        return known

    def get_template(
        self,
        name: str | jinja2.Template,
        parent: str | None = None,
        globals: Any = None,  # noqa: A002, ANN401, ARG002 - as Jinja2 calls it
    ) -> jinja2.Template:
        if isinstance(name, jinja2.Template):
            return name
        if not isinstance(name, str):
            raise jinja2.TemplateRuntimeError("the name of a template must be text")
        above = name.parent if isinstance(name, _Wanted) else parent or ""
        return self.rendering.included(self, name.strip(), above)

    def select_template(
        self,
        names: Iterable[str | jinja2.Template],
        parent: str | None = None,
        globals: Any = None,  # noqa: A002, ANN401, ARG002 - as Jinja2 calls it
    ) -> jinja2.Template:
        problem = jinja2.TemplateNotFound("", "the list of templates to include is empty")
        for name in names:
            try:
                return self.get_template(name, parent)
            except jinja2.TemplateNotFound as error:
                problem = error
        raise problem

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        budget = self.rendering.budget
        budget.weigh(*args, *kwargs.values())
        bound = getattr(obj, "__wrapped__", obj)
        owner = getattr(bound, "__self__", None)
        if isinstance(owner, (str, bytes, int, float)):
            args = tuple(budget.items(arg) if isinstance(arg, Iterator) else arg for arg in args)
            name = f".{getattr(bound, '__name__', '')}"
            budget.weigh(owner)
            budget.expect(expected_size(name, (owner, *args), kwargs, budget))
        result = super().call(context, obj, *args, **kwargs)
        budget.weigh(result)
        return result

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        budget = self.rendering.budget
        size = budget.weigh(left, right)
        if operator == "*":
            size = product_size(left, right)
        elif operator == "**" and power_bits(left, right) > MAX_BITS:
            raise BudgetError(f"a whole number has more than {MAX_BITS} bits")
        elif operator == "%" and isinstance(left, str):
            size = percent_size(left, budget.weigh(right))
        budget.expect(size)
        result = super().call_binop(context, operator, left, right)
        budget.weigh(result)
        return result

    def call_filter(self, name: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        if " " in name:  # reached by `map`, whose filter is text
            raise jinja2.TemplateRuntimeError(f"no filter named {name!r}")
        return super().call_filter(name, *args, **kwargs)

    def unsafe_undefined(self, obj: Any, attribute: str) -> jinja2.Undefined:  # noqa: ANN401
        raise SecurityError(f"the attribute {attribute!r} of a value of the type {_kind(obj)}")

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        del source, state
        return TokenStream(self.lexer.wrap(iter(self._stream), name, filename), name, filename)

    def _parse(self, source: str, name: str | None, filename: str | None) -> jinja2.nodes.Template:
        tree = super()._parse(source, name, filename)
        self._mentioned = [found for found in find_referenced_templates(tree) if found is not None]
        return instrumented(tree, self)

    def _build(self, file: str, text: str) -> _Built:
        try:
            tokens = read_tokens(self, text)
        except jinja2.TemplateSyntaxError as error:
            raise _NotATemplateError(error.message or "", file, Place(error.lineno, 1, "")) from None
        if tokens.shape not in self._shapes:
            self._stream = tokens.stream
            try:
                code = self.compile(text, file, file)
            except jinja2.TemplateSyntaxError as error:
                place = tokens.places[error.lineno - 1]
                raise _NotATemplateError(error.message or "", file, place) from None
            self._shapes[tokens.shape] = (code, frozenset(self._mentioned))
        code, mentioned = self._shapes[tokens.shape]
        template = jinja2.Template.from_code(self, code.replace(co_filename=file), self.globals)
        template.name = file
        render = template.root_render_func
        template.root_render_func = lambda context: self.rendering.entered(file, render(context))
        return _Built(template, tokens.places, mentioned)

    def _internal(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a filter of our own; one that takes the context is never called when a template compiles."""

        @pass_context
        def called(_context: Context, *args: Any) -> Any:  # noqa: ANN401
            return function(self.rendering, *args)

        return called

    def _included(  # noqa: PLR0913, PLR0917 - what the statement states
        self,
        run: Rendering,
        context: Context,
        wanted: Any,  # noqa: ANN401
        parent: str,
        ignore_missing: bool,
        with_context: bool,
        number: int,
    ) -> str:
        try:
            template = self.get_or_select_template(wanted, parent)
        except jinja2.TemplateNotFound:
            if ignore_missing:
                return ""
            raise
        values = context.get_all() if with_context else {}
        run.budget.spend(1 + len(values))
        chunks = template.root_render_func(template.new_context(values, shared=with_context))
        parts = _shown(chunks, template.name or "")
        place = run.place(parent, number)
        indent = Part(" " * (place.column - 1), parent, place.line, place.column)
        indented = tuple(_indented(parts, indent))
        run.budget.give(sum(len(part.text) for part in indented))
        return _Piece.of(indented)

    def _counted(self, name: str, function: Any) -> Callable[..., Any]:  # noqa: ANN401
        """Return a filter or a test of Jinja2 that counts what it is given and what it returns."""
        skipped = 1 if hasattr(function, "jinja_pass_arg") else 0

        @wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            budget = self.rendering.budget
            given = args[skipped:]
            budget.weigh(*given, *kwargs.values())
            budget.expect(expected_size(name, given, kwargs, budget))
            result = function(*args, **kwargs)
            if isinstance(result, Iterator):
                result = budget.items(result)
            budget.weigh(result)
            return result

        return counted


_local: Final = threading.local()


def _environment(undefined: Undefined) -> _Environment:
    """Return the environment of this thread for the settings."""
    known: dict[Undefined, _Environment] = _local.__dict__.setdefault("environments", {})
    if undefined not in known:
        known[undefined] = _Environment(_UNDEFINED[undefined])
    return known[undefined]


def _weighed(run: Rendering, value: Any) -> Any:  # noqa: ANN401 - any value of a template
    run.budget.weigh(value)
    return value


def _wanted(_run: Rendering, name: Any, file: str) -> Any:  # noqa: ANN401 - any value of a template
    if not isinstance(name, str):
        return name
    wanted = _Wanted(name)
    wanted.parent = file
    return wanted


def _position(place: Place, name: str) -> Position:
    """Return the position of `name` in the brackets at `place`, or else that of the brackets."""
    found = re.search(rf"\b{re.escape(name)}\b", place.text) if name else None
    before = place.text[: found.start()] if found else ""
    if "\n" in before:
        return Position(place.line + before.count("\n"), len(before) - before.rfind("\n"))
    return Position(place.line, place.column + len(before))


def _joined(run: Rendering, values: list[Any]) -> str:
    run.budget.weigh(*values)
    texts = [str(value) for value in values]
    run.budget.expect(sum(map(len, texts)))
    return "".join(texts)


def _shown(chunks: Iterable[str], file: str) -> list[Part]:
    """Return the parts of what a template gives; text of unknown origin has that of the part before."""
    parts: list[Part] = []
    line, column = 1, 1
    for chunk in chunks:
        if isinstance(chunk, _Piece):
            parts.extend(chunk.parts)
            if chunk.parts:
                file, line, column = chunk.parts[-1].file, chunk.parts[-1].line, chunk.parts[-1].column
        else:
            parts.append(Part(str(chunk), file, line, column))
    return parts


def _indented(parts: Iterable[Part], indent: Part) -> Iterator[Part]:
    """Yield `parts` with `indent` before every line but the first and empty ones."""
    starts_line = False
    for part in parts:
        line, column = part.line, part.column
        for text in part.text.splitlines(keepends=True):
            if starts_line and text.strip("\r\n") and indent.text:
                yield indent
            yield Part(text, part.file, line, column, part.literal, part.secret)
            starts_line = text.endswith("\n")
            if part.literal and starts_line:
                line, column = line + 1, 1


def _kind(value: Any) -> str:  # noqa: ANN401 - any value of a template
    return type(value).__name__


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_nulls(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }


def _place(traceback: TracebackType | None) -> tuple[str, int] | None:
    """Return the innermost template of a traceback and the line in it."""
    found: tuple[str, int] | None = None
    while traceback is not None:
        template = traceback.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            found = (template.name, template.get_corresponding_lineno(traceback.tb_lineno))
        traceback = traceback.tb_next
    return found
