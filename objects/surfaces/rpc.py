"""The words of JSON-RPC 2.0: what a request is, what an error says, and how a batch is answered by one."""

from typing import Any

from objects.commands.spec import CommandSpec
from objects.surfaces import json
from teams.problems import BadRequest, Problem, WrongArgument

MEMBERS = frozenset({"jsonrpc", "method", "params", "id", "path", "key", "create", "confirm"})
NOT_JSON, NO_REQUEST, NO_METHOD, WRONG_PARAMS = -32700, -32600, -32601, -32602
MESSAGES = {
    NOT_JSON: "Parse error",
    NO_REQUEST: "Invalid Request",
    NO_METHOD: "Method not found",
    WRONG_PARAMS: "Invalid params",
}

Message = dict[str, Any]


class Refused(Exception):  # noqa: N818 -- a problem on its way to becoming an error of JSON-RPC
    """A request that is answered with an error of JSON-RPC itself."""

    def __init__(self, code: int, problem: Problem, request_id: Any = None) -> None:
        self.code = code
        self.problem = problem
        self.request_id = request_id
        super().__init__(problem.detail)

    def error(self) -> bytes:
        """Give it as an answer."""
        return error(self.code, self.problem, self.request_id)


class Batch:
    """The answers of a JSON-RPC batch until all of them are there."""

    __slots__ = ("answers", "left")

    def __init__(self, requests: int) -> None:
        self.left = requests
        self.answers: list[bytes] = []


def understood(request: Any) -> tuple[str, Any, Any]:
    """Give method, params and id of a request; params are {} where there are none. Raises Refused where it is none."""
    if type(request) is not dict:
        raise Refused(NO_REQUEST, BadRequest("A request is an object with jsonrpc, method and, for an answer, id."))
    request_id = request.get("id")
    if not (request_id is None or type(request_id) in (str, int, float)):
        raise Refused(NO_REQUEST, BadRequest("id: is a text, a number or null."))
    method = request.get("method")
    if request.get("jsonrpc") != "2.0" or type(method) is not str:
        raise Refused(NO_REQUEST, BadRequest('A request has "jsonrpc": "2.0" and a text as "method".'), request_id)
    if not request.keys() <= MEMBERS:
        unknown = min(request.keys() - MEMBERS)[:60]
        known = ", ".join(sorted(MEMBERS))
        raise Refused(NO_REQUEST, BadRequest(f"{unknown}: no such member. A request has {known}."), request_id)
    params = request.get("params")
    if params is None and "params" not in request:
        params = {}
    if type(params) is not dict and type(params) is not list:
        raise Refused(NO_REQUEST, BadRequest("params: is an object of arguments, or a list of them."), request_id)
    return method, params, request_id


def named(spec: CommandSpec, values: list[Any]) -> dict[str, Any]:
    """Give arguments their names, in the order of the signature."""
    arguments: dict[str, Any] = {}
    for index, parameter in enumerate(spec.parameters):
        if index >= len(values):
            return arguments
        if parameter.variadic:
            return arguments | {parameter.name: values[index:]}
        arguments[parameter.name] = values[index]
    if len(values) > len(spec.parameters):
        raise WrongArgument(
            "params", f"{spec.name} takes {len(spec.parameters)} arguments, and {len(values)} are given: {spec.usage()}"
        )
    return arguments


def error(code: int, problem: Problem, request_id: Any) -> bytes:
    """Write an error as an answer."""
    message = MESSAGES.get(code, problem.title)
    written = {"code": code, "message": message, "data": problem.members()}
    return json.written({"jsonrpc": "2.0", "error": written, "id": request_id})
