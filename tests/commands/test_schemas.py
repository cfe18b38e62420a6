"""JSON Schema and OpenAPI say what the check does."""

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from objects.commands.registry import Registry, registry
from objects.commands.schemas import arguments_schema, openapi, result_schema, rpc_methods
from objects.sdk import Content, Download, Kind, command
from tests.commands.bench import Machine, Sql, commands
from tests.commands.test_types import VALUES

everything = commands["everything"]
validator = jsonschema_rs.validator_for(arguments_schema(everything))


class Shelf(Kind[None]):
    """Keeps one file."""

    @command
    def put(self, name: str, content: Content) -> int:
        """Keep a file."""
        return content.size

    @command(reads=True)
    def get(self) -> Download:
        """Give the file."""
        return Download("x", b"")

    @command
    def take(self) -> str:
        """Take the file, unlike a machine."""
        return ""


def test_the_schema_of_arguments_tells_bounds_help_and_defaults():
    assert arguments_schema(commands["take"]) == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "tokens": {"type": "integer", "minimum": 1, "maximum": 20, "description": "how many tokens", "default": 1}
        },
    }


def test_the_schema_of_a_result_is_that_of_its_plain_json():
    schema = result_schema(commands["take"])

    assert schema["properties"] == {
        "allowed": {"type": "boolean"},
        "left": {"type": "number"},
        "retry_after": {"type": "number", "description": "seconds"},
    }
    assert sorted(schema["required"]) == ["allowed", "left", "retry_after"]


@settings(deadline=None)
@given(st.data())
def test_what_the_check_gave_as_plain_json_fits_the_schema(data):
    name = data.draw(st.sampled_from(sorted(VALUES)))
    value = everything.check({name: data.draw(VALUES[name])})[name]
    plain = everything.by_name[name].shape.plain

    validator.validate({name: value if plain is None else plain(value)})


@pytest.mark.parametrize(
    "arguments", [{"count": "5"}, {"share": "1"}, {"colour": "blue"}, {"wait": "soon"}, {"unknown": 1}, {"point": {}}]
)
def test_what_the_check_refuses_the_schema_refuses(arguments):
    assert not validator.is_valid(arguments)


def test_openapi_of_every_kind_is_valid():
    document = openapi(registry, registry.kinds, "acme", "https://grove.example")

    OpenAPIV31SpecValidator(document).validate()


def test_openapi_has_a_path_a_command_with_all_that_can_go_wrong():
    document = openapi(Registry.of(Machine, Sql, Shelf), ["machine", "shelf"], "acme", "https://grove.example")
    OpenAPIV31SpecValidator(document).validate()
    paths = document["paths"]

    base = "/api/v1/acme/{path}"
    assert list(paths) == [
        base,
        *(f"{base}:{name}" for name in ("take", "left", "wipe", "tell", "from", "everything", "watch")),
        *(f"{base}:{name}" for name in ("sql", "sql.tables", "put", "get")),
    ]
    assert list(paths[f"{base}:left"]) == ["parameters", "post", "get"]
    assert list(paths[f"{base}:tell"]) == ["parameters", "post"]
    assert list(paths[f"{base}:left"]["post"]["responses"]) == (
        ["200", "400", "401", "403", "404", "409", "413", "422", "429", "503", "504"]
    )
    assert document["security"] == [{"token": []}]


def test_a_file_can_be_sent_as_it_is_and_comes_as_it_is():
    paths = openapi(Registry.of(Shelf), ["shelf"], "acme", "/")["paths"]
    put, get = paths["/api/v1/acme/{path}:put"]["post"], paths["/api/v1/acme/{path}:get"]["post"]

    assert list(put["requestBody"]["content"]) == ["application/json", "application/octet-stream"]
    assert [each["name"] for each in put["parameters"]] == ["name", "create", "Idempotency-Key"]
    assert list(get["responses"]["200"]["content"]) == ["application/octet-stream", "application/json"]


def test_kinds_that_differ_in_a_command_share_its_path():
    document = openapi(Registry.of(Machine, Shelf), ["machine", "shelf"], "acme", "/")
    take = document["paths"]["/api/v1/acme/{path}:take"]["post"]

    body = take["requestBody"]["content"]["application/json"]["schema"]
    assert [list(each["properties"]) for each in body["anyOf"]] == [["tokens"], []]
    assert take["tags"] == ["machine", "shelf"]


def test_only_types_that_are_used_are_components():
    document = openapi(Registry.of(Machine), ["machine"], "acme", "/")

    assert sorted(document["components"]["schemas"]) == ["Colour", "Point", "Problem", "Verdict"]


def test_the_methods_of_a_socket_are_the_commands():
    methods = rpc_methods(Registry.of(Machine), "machine")

    assert [method["name"] for method in methods][:3] == ["take", "left", "wipe"]
    assert methods[0]["params"] == [
        {
            "name": "tokens",
            "required": False,
            "schema": {"type": "integer", "minimum": 1, "maximum": 20, "description": "how many tokens", "default": 1},
        }
    ]
