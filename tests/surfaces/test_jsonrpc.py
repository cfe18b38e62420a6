"""The socket speaks JSON-RPC 2.0, by the examples of its specification (jsonrpc.org, section 7), on an object."""

import json
from typing import Any

import pytest
import websockets


async def say(socket, message) -> Any:
    """Send a message, as it is where it is text, and give the answer."""
    await socket.send(message if isinstance(message, str) else json.dumps(message))
    return json.loads(await socket.recv())


def call(method: str, params=None, request_id=1, **more) -> dict[str, object]:
    request: dict[str, object] = {"jsonrpc": "2.0", "method": method, "id": request_id} | more
    return request if params is None else request | {"params": params}


def result(value, version, request_id=1) -> dict[str, object]:
    return {"jsonrpc": "2.0", "result": {"value": value, "version": version}, "id": request_id}


def error(code, message, request_id, **data) -> dict[str, object]:
    return {"jsonrpc": "2.0", "error": {"code": code, "message": message, "data": data}, "id": request_id}


def invalid(detail, request_id=None) -> dict[str, object]:
    bad = {"type": "bad-request", "title": "The request cannot be read", "status": 400}
    return error(-32600, "Invalid Request", request_id, **bad, detail=detail)


NOT_A_REQUEST = "A request is an object with jsonrpc, method and, for an answer, id."


@pytest.fixture
def place(site, request):
    return site.new("/" + request.node.name[:60].replace("[", " ").replace("]", ""))


async def test_a_call_with_positional_parameters(site, place):
    async with site.socket(place) as socket:
        assert await say(socket, call("state.incr", ["n", 42])) == result(42, 2)
        assert await say(socket, call("state.incr", ["n", -23], 2)) == result(19, 3, 2)


async def test_a_call_with_named_parameters(site, place):
    async with site.socket(place) as socket:
        assert await say(socket, call("state.incr", {"by": 42, "key": "n"}, "three")) == result(42, 2, "three")


async def test_a_notification_is_carried_out_and_not_answered(site, place):
    async with site.socket(place) as socket:
        await socket.send('{"jsonrpc": "2.0", "method": "state.incr", "params": ["n"]}')
        await socket.send('{"jsonrpc": "2.0", "method": "foobar"}')

        assert await say(socket, call("state.get", ["n"])) == result(1, 2)


async def test_a_call_of_a_method_that_there_is_not(site, place):
    async with site.socket(place) as socket:
        assert await say(socket, call("foobar", request_id="1")) == error(
            -32601, "Method not found", "1", type="no-such", title="There is no such thing", status=404,
            detail="no command 'foobar' on objects of kind object. `help` lists them.",
        )  # fmt: skip


async def test_a_call_with_invalid_json(site, place):
    async with site.socket(place) as socket:
        answer = await say(socket, '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]')

        assert (answer["error"]["code"], answer["error"]["message"], answer["id"]) == (-32700, "Parse error", None)


async def test_a_call_with_an_invalid_request(site, place):
    async with site.socket(place) as socket:
        assert await say(socket, '{"jsonrpc": "2.0", "method": 1, "params": "bar"}') == invalid(
            'A request has "jsonrpc": "2.0" and a text as "method".'
        )


async def test_a_batch_with_invalid_json(site, place):
    async with site.socket(place) as socket:
        answer = await say(
            socket, '[{"jsonrpc": "2.0", "method": "sum", "params": [1], "id": "1"}, {"jsonrpc": "2.0", "method"]'
        )

        assert (answer["error"]["code"], answer["id"]) == (-32700, None)


async def test_an_empty_batch(site, place):
    async with site.socket(place) as socket:
        assert await say(socket, "[]") == invalid(
            "The batch has 0 requests: 1 to 256 may be in one (limit SOCKET_CALLS)."
        )


async def test_batches_that_are_invalid_but_not_empty(site, place):
    async with site.socket(place) as socket:
        assert await say(socket, "[1]") == [invalid(NOT_A_REQUEST)]
        assert await say(socket, "[1, 2, 3]") == [invalid(NOT_A_REQUEST)] * 3


async def test_a_batch_is_answered_by_one(site, place):
    async with site.socket(place) as socket:
        answers = await say(
            socket,
            [
                call("state.incr", ["n", 1], "1"),
                {"jsonrpc": "2.0", "method": "state.incr", "params": ["n", 7]},
                call("state.incr", ["n", 42], "2"),
                {"foo": "boo"},
                call("foo.get", {"name": "myself"}, "5"),
                call("state.incr", {"key": "n"}, 9),
            ],
        )

    by_id = {answer["id"]: answer for answer in answers}
    assert len(answers) == 5
    assert {key: by_id[key]["result"]["value"] for key in ("1", "2", 9)} == {"1": 1, "2": 50, 9: 51}
    assert by_id[None] == invalid('A request has "jsonrpc": "2.0" and a text as "method".')
    assert by_id["5"]["error"]["code"] == -32601


async def test_a_batch_of_notifications_is_not_answered(site, place):
    async with site.socket(place) as socket:
        note = {"jsonrpc": "2.0", "method": "state.incr", "params": ["n"]}
        await socket.send(json.dumps([note, note]))

        assert (await say(socket, call("state.get", ["n"])))["result"]["value"] == 2  # in one commit or in two


async def test_wrong_arguments_are_invalid_params(site, place):
    async with site.socket(place) as socket:
        detail = "'x' is not a whole number, or a number"
        assert await say(socket, call("state.incr", ["n", "x"])) == error(
            -32602, "Invalid params", 1, type="wrong-argument", title="An argument is wrong", status=422,
            detail=detail, field="by", fields={"by": detail},
        )  # fmt: skip
        assert (await say(socket, call("state.incr", ["n", 1, 2])))["error"]["data"]["detail"] == (
            "state.incr takes 2 arguments, and 3 are given: state incr key [by=1]"
        )


async def test_a_problem_has_its_status_as_code_and_its_members_as_data(site, place):
    async with site.socket(place) as socket:
        assert await say(socket, call("state.get", ["absent"])) == error(
            404, "There is no such thing", 1, type="no-such", title="There is no such thing", status=404,
            detail="absent: no such key. `state list` shows those that there are.", field="key",
        )  # fmt: skip


async def test_variadic_parameters_take_the_rest_of_a_list(site, place):
    async with site.socket(place) as socket:
        await say(socket, call("state.set_many", {"values": {"a": 1, "b": 2}}))

        assert (await say(socket, call("state.delete", ["a", "b", "n"])))["result"]["value"] == 3


async def test_one_socket_serves_many_objects(site, place):
    async with site.socket("/") as socket:
        assert await say(socket, call("state.incr", ["n"], path=place)) == result(1, 2)


async def test_a_key_makes_a_call_take_place_once(site, place):
    async with site.socket(place) as socket:
        first = await say(socket, call("state.incr", ["n"], key="k1"))
        second = await say(socket, call("state.incr", ["n"], key="k1"))

    assert first == result(1, 2)
    assert second == {"jsonrpc": "2.0", "result": {"value": 1, "version": 2, "replayed": True}, "id": 1}


async def test_an_object_is_made_on_first_use_when_asked_to(site, place):
    async with site.socket(f"{place}/new") as socket:
        assert (await say(socket, call("state.incr", ["n"])))["error"]["code"] == 404
        assert await say(socket, call("state.incr", ["n"], create="object")) == result(1, 1)


async def test_unknown_members_are_refused_since_a_slip_could_do_harm(site, place):
    async with site.socket(place) as socket:
        assert await say(socket, call("state.incr", ["n"], kye="k1")) == invalid(
            "kye: no such member. A request has confirm, create, id, jsonrpc, key, method, params, path.", 1
        )


async def test_pipelined_calls_on_one_object_are_carried_out_in_order(site, place):
    async with site.socket(place) as socket:
        for number in range(2_000):
            await socket.send(json.dumps(call("state.incr", {"key": "n"}, number)))
        answers = [json.loads(await socket.recv()) for _ in range(2_000)]

    assert {answer["id"]: answer["result"]["value"] for answer in answers} == {
        number: number + 1 for number in range(2_000)
    }


async def test_a_token_may_come_as_a_subprotocol(site, place):
    protocols = ["grove", f"bearer.{site.secret}"]
    async with site.socket(place, additional_headers={}, subprotocols=protocols) as socket:
        assert socket.subprotocol == "grove"
        assert await say(socket, call("state.incr", ["n"])) == result(1, 2)


@pytest.mark.parametrize(
    ("path", "headers", "code", "reason"),
    [
        ("/x", {}, 4401, "Nobody is signed in here. Send 'Authorization: Bearer <token>', or sign in."),
        (
            "/x",
            {"Authorization": "Bearer grove_aaaaaaaaaa_00"},
            4401,
            "The token opens nothing: it is unknown, expired or revoked. Make a new one and send that.",
        ),
        ("/x%2Fy", None, 4400, "The address has an encoded slash (%2F). Names have no slash: write / between names."),
        ("/x:state.get", None, 4400, "The address ends in ':state.get'. Name a command as the method of a request."),
    ],
)
async def test_a_socket_that_is_refused_is_closed_with_the_reason(site, path, headers, code, reason):
    options = {} if headers is None else {"additional_headers": headers}
    async with site.socket(path, **options) as socket:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()

    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code, reason)


async def test_a_binary_message_closes_the_socket_with_the_reason(site, place):
    async with site.socket(place) as socket:
        await socket.send(b"{}")
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()

    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1003, "A binary message: send JSON as text.")


async def test_a_message_larger_than_arguments_may_be_closes_the_socket(site, place):
    async with site.socket(place) as socket:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.send("x" * ((1 << 20) + 1))
            await socket.recv()

    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (
        1009,
        "A message of 1,048,577 bytes: 1,048,576 is the most (limit ARGUMENT_BYTES). Send less.",
    )


async def test_a_flood_of_what_cannot_be_read_is_answered_and_then_closed(site, place):
    async with site.socket(place) as socket:
        answers = 0
        with pytest.raises(websockets.ConnectionClosed) as closed:
            for _ in range(200):
                await socket.send("?")
            while True:
                await socket.recv()
                answers += 1

    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (
        1008,
        "100 messages in a row cannot be read. Look at the errors sent.",
    )


async def test_a_socket_at_another_address_is_closed_with_the_reason(site):
    async with websockets.connect(f"ws://127.0.0.1:{site.web.port}/ws/nothing") as socket:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()

    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4404, "No socket is served at this address.")
