"""JSON Schema (2020-12) of commands, OpenAPI 3.1 of a team's objects, and the methods of the JSON-RPC socket."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from objects.commands.checks import Parameter
from objects.commands.help import purpose_of
from objects.commands.registry import Registry
from objects.commands.shapes import (
    LARGEST_INT,
    SMALLEST_INT,
    AnyJsonShape,
    DictShape,
    ListShape,
    MaybeShape,
    RecordShape,
    Shape,
)
from objects.commands.spec import CommandSpec, Started
from objects.commands.types import Content
from teams import problems

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_COMPONENTS = "#/components/schemas/{model}"


class _Schemas(GenerateJsonSchema):
    """pydantic's schemas without the titles that it makes up, and with the bounds that every whole number has."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 -- of no field
        return False

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        made = super().int_schema(schema)
        if "exclusiveMinimum" not in made:
            made.setdefault("minimum", SMALLEST_INT)
        if "exclusiveMaximum" not in made:
            made.setdefault("maximum", LARGEST_INT)
        return made

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> JsonSchemaValue:
        made = super().typed_dict_schema(schema)
        made.pop("title", None)
        return made


def arguments_schema(spec: CommandSpec) -> dict[str, Any]:
    """Give the JSON Schema of a command's arguments: an object, inner types under `$defs`."""
    made = spec.adapter.json_schema(schema_generator=_Schemas, mode="validation")
    return {"$schema": DIALECT, **_told(made, spec)}


def result_schema(spec: CommandSpec) -> dict[str, Any]:
    """Give the JSON Schema of a command's result as plain JSON."""
    return {"$schema": DIALECT, **spec.result_adapter.json_schema(schema_generator=_Schemas, mode="serialization")}


def _told(schema: JsonSchemaValue, spec: CommandSpec) -> JsonSchemaValue:
    """Add to an arguments' schema what the signature says beside the types: help, units, defaults."""
    for parameter in spec.parameters:
        schema["properties"][parameter.name] = _property(schema["properties"][parameter.name], parameter)
    return schema


def _property(schema: JsonSchemaValue, parameter: Parameter) -> JsonSchemaValue:
    told = f"{parameter.help}, in {parameter.unit}" if parameter.help and parameter.unit else parameter.help
    told = told or (f"in {parameter.unit}" if parameter.unit else "")
    if told:
        schema = {**schema, "description": f"{told} ({inner})" if (inner := schema.get("description")) else told}
    if not parameter.required and not parameter.variadic:
        plain, default = parameter.shape.plain, parameter.default
        # null is no value of most types: there it says "left out", which a schema says by not requiring it.
        if default is not None and not isinstance(default, Content):
            schema = {**schema, "default": default if plain is None else plain(default)}
    return schema


def rpc_methods(registry: Registry, kind_name: str) -> list[dict[str, Any]]:
    """Give the methods of an object's JSON-RPC socket, as OpenRPC describes them."""
    return [
        {
            "name": spec.name,
            "summary": spec.summary,
            "description": spec.description,
            "paramStructure": "by-name",
            "params": [
                {"name": name, "required": spec.by_name[name].required, "schema": schema}
                for name, schema in arguments_schema(spec)["properties"].items()
            ],
            "result": {"name": "result", "schema": result_schema(spec)},
            "x-verb": spec.verb,
            "x-needs": spec.needs.word,
            "x-streams": spec.streams,
        }
        for spec in registry.commands(kind_name).values()
    ]


# ---- OpenAPI ----

_PROBLEMS: Sequence[type[problems.Problem]] = (
    problems.BadRequest,
    problems.NotSignedIn,
    problems.NotAllowed,
    problems.NoSuch,
    problems.Conflict,
    problems.TooLarge,
    problems.WrongArgument,
    problems.OverLimit,
    problems.Overloaded,
    problems.OutOfTime,
)


def openapi(registry: Registry, kinds: Iterable[str], team_slug: str, server_url: str) -> dict[str, Any]:
    """Give the OpenAPI 3.1 document of the commands of some kinds in a team.

    A command is one path, whatever kinds have it: `/api/v1/acme/{path}:state.set`. Where kinds differ in it, the schema
    is any of theirs. Names of inner types are unique across kinds.
    """
    found: dict[str, list[CommandSpec]] = {}
    kind_names: dict[str, list[str]] = {}
    for kind in kinds:
        for name, spec in registry.commands(kind).items():
            kind_names.setdefault(name, []).append(kind)
            if spec not in found.setdefault(name, []):
                found[name].append(spec)
    specs = [spec for each in found.values() for spec in each]
    schemas, definitions = _all_schemas(specs)
    base = f"/api/v1/{team_slug}/{{path}}"
    paths: dict[str, Any] = {base: {"parameters": [_PATH], "get": _describe()}}
    for name, same in found.items():
        paths[f"{base}:{name}"] = _path_item(same, schemas, kind_names[name])
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": DIALECT,
        "info": {
            "title": f"Grove: the objects of {team_slug}",
            "version": "1",
            "description": "Every object is called by its path and a command. The path of an object keeps its slashes.",
        },
        "servers": [{"url": server_url}],
        "security": [{"token": []}],
        "tags": [{"name": each.name, "description": purpose_of(each)} for each in _owners(specs)],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "a token of the team"}},
            "schemas": {"Problem": _PROBLEM_SCHEMA, **definitions},
            "responses": {_response_name(each): _problem_response(each) for each in _PROBLEMS},
        },
    }


def _owners(specs: Iterable[CommandSpec]) -> list[Any]:
    return list(dict.fromkeys(spec.owner for spec in specs))


def _all_schemas(specs: Sequence[CommandSpec]) -> tuple[dict[tuple[CommandSpec, str], Any], dict[str, Any]]:
    """Make all schemas at once: only then pydantic gives inner types of the same name names that differ."""
    inputs: list[tuple[tuple[CommandSpec, str], JsonSchemaMode, TypeAdapter[Any]]] = []
    for spec in specs:
        inputs.append(((spec, "arguments"), "validation", spec.adapter))
        inputs.append(((spec, "result"), "serialization", spec.result_adapter))
    made, rest = TypeAdapter.json_schemas(inputs, schema_generator=_Schemas, ref_template=_COMPONENTS)
    definitions: dict[str, Any] = rest.get("$defs", {})
    schemas: dict[tuple[CommandSpec, str], Any] = {}
    arguments: set[str] = set()
    for (key, _), schema in made.items():
        # A schema that is used twice is only a reference; what is said of arguments is said in a copy.
        name = schema.get("$ref", "").rpartition("/")[2]
        if name and key[1] == "arguments":
            arguments.add(name)
            schema = definitions[name]  # noqa: PLW2901 -- what the reference stands for
        schemas[key] = copy.deepcopy(schema)
    for name in arguments:
        del definitions[name]
    for spec in specs:
        _told(schemas[spec, "arguments"], spec)
    return schemas, definitions


def _path_item(
    specs: Sequence[CommandSpec], schemas: Mapping[tuple[CommandSpec, str], Any], kinds: Sequence[str]
) -> dict[str, Any]:
    spec = specs[0]
    item: dict[str, Any] = {"parameters": [_PATH], "post": _operation(specs, schemas, kinds)}
    body = _any_of([schemas[each, "arguments"] for each in specs])
    content: dict[str, Any] = {"application/json": {"schema": body}}
    extra: list[dict[str, Any]] = []
    if spec.uploads:
        content["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
        # In a JSON body they are members of it, so none is required as a query parameter.
        others = _query(spec, schemas[spec, "arguments"], without=spec.uploads)
        extra = [{**each, "required": False} for each in others]
    required = any(each.required for one in specs for each in one.parameters)
    item["post"]["requestBody"] = {"required": required, "content": content}
    item["post"]["parameters"] = [*extra, *([] if spec.verb == "reads" else _CHANGING)]
    if spec.verb == "dangerous":
        item["post"]["parameters"].append(_CONFIRM)
    if spec.task:
        item["post"]["parameters"].append(_WAIT)
    if all(each.verb == "reads" for each in specs) and len(specs) == 1:
        item["get"] = {
            **_operation(specs, schemas, kinds),
            "operationId": f"{spec.name}_get",
            "parameters": _query(spec, schemas[spec, "arguments"]),
        }
    return item


def _operation(
    specs: Sequence[CommandSpec], schemas: Mapping[tuple[CommandSpec, str], Any], kinds: Sequence[str]
) -> dict[str, Any]:
    spec = specs[0]
    lines = [spec.description] if spec.description else []
    if spec.facility is None:
        lines.append(f"For objects of the kind {', '.join(kinds)}.")
    lines += [f"    > {each.line}\n" + "\n".join(f"    {line}" for line in each.output.splitlines())
              for each in spec.examples]  # fmt: skip
    result = _any_of([schemas[each, "result"] for each in specs])
    content: dict[str, Any] = {"application/json": {"schema": result}}
    if spec.downloads:
        content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}, **content}
    if spec.streams:
        content["text/event-stream"] = {"schema": {"type": "string"}}
    responses: dict[str, Any] = {"200": {"description": spec.result_shape.noun, "content": content}}
    if spec.task:
        responses["202"] = {
            "description": "the task that was started",
            "content": {"application/json": {"schema": _STARTED}},
        }
    for problem in _PROBLEMS:
        responses[str(problem.status)] = {"$ref": f"#/components/responses/{_response_name(problem)}"}
    return {
        "operationId": spec.name,
        "tags": list(dict.fromkeys(each.owner.name for each in specs)),
        "summary": spec.summary,
        "description": "\n\n".join(lines),
        "responses": responses,
        "x-verb": spec.verb,
        "x-needs": spec.needs.word,
    }


def _any_of(schemas: Sequence[Any]) -> Any:
    return schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}


def _query(spec: CommandSpec, schema: Mapping[str, Any], without: str = "") -> list[dict[str, Any]]:
    """Give arguments as parameters of a query string: scalars as they are, lists as `a,b`, the rest as JSON."""
    parameters = []
    for parameter in spec.parameters:
        if parameter.name == without:
            continue
        inner = schema["properties"][parameter.name]
        made: dict[str, Any] = {"name": parameter.name, "in": "query", "required": parameter.required}
        if "description" in inner:
            made["description"] = inner["description"]
        if parameter.variadic:
            made |= {"schema": inner, "style": "form", "explode": True}
        elif _is_deep(parameter.shape):
            made["content"] = {"application/json": {"schema": inner}}
        else:
            made["schema"] = inner
        parameters.append(made)
    return parameters


def _is_deep(shape: Shape) -> bool:
    while isinstance(shape, MaybeShape):
        shape = shape.inner
    return isinstance(shape, ListShape | DictShape | RecordShape | AnyJsonShape)


_PATH: dict[str, Any] = {
    "name": "path",
    "in": "path",
    "required": True,
    "description": "the object's path without its first slash; its other slashes stay as they are",
    "schema": {"type": "string"},
    "example": "demo/votes",
}
_CHANGING: list[dict[str, Any]] = [
    {
        "name": "create",
        "in": "query",
        "required": False,
        "description": "make an object of this kind first, where there is none and you may",
        "schema": {"type": "string"},
    },
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "the same key with the same call gives the answer of the first time, and changes nothing more",
        "schema": {"type": "string", "maxLength": 255},
    },
]
_WAIT: dict[str, Any] = {
    "name": "wait",
    "in": "query",
    "required": False,
    "description": "seconds to wait for the result; without it, or when they are over, 202 tells the task",
    "schema": {"type": "number", "minimum": 0, "maximum": 60},
}
_STARTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "value": TypeAdapter(Started).json_schema(mode="serialization"),
        "version": {"type": "integer"},
    },
    "required": ["value", "version"],
}
_CONFIRM: dict[str, Any] = {
    "name": "confirm",
    "in": "query",
    "required": False,
    "description": "yes: do it; otherwise 409 tells what would happen",
    "schema": {"type": "string", "enum": ["yes"]},
}
_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem details",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what was wrong, the limit met, the way out"},
        "field": {"type": "string", "description": "the argument that was wrong"},
        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
        "retry_after": {"type": "number", "description": "seconds"},
    },
    "required": ["type", "title", "status", "detail"],
}


def _response_name(problem: type[problems.Problem]) -> str:
    return problem.__name__


def _problem_response(problem: type[problems.Problem]) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": problem.title,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if problem.status in (429, 503):
        response["headers"] = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
    return response


def _describe() -> dict[str, Any]:
    responses: dict[str, Any] = {
        "200": {"description": "the object", "content": {"application/json": {"schema": {"type": "object"}}}}
    }
    for problem in _PROBLEMS:
        responses[str(problem.status)] = {"$ref": f"#/components/responses/{_response_name(problem)}"}
    return {
        "operationId": "describe",
        "summary": "Describe an object: its kind, commands, settings and times.",
        "responses": responses,
    }
