"""Whatever is sent, the answer is a refusal or a result: never a 500, never silence."""

import json

import httpx
import pytest
import websockets.sync.client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MANY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(
    [
        "state.set",
        "state.incr",
        "state.get",
        "state.delete",
        "sql",
        "help",
        "files.put",
        "tree.describe",
        "subscribe",
        "",
    ]
)
arguments = st.dictionaries(
    st.sampled_from(["key", "value", "by", "path", "topics", "query", "n"]) | st.text(max_size=5), values, max_size=4
)
requests = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | values,
        "method": names | values,
        "params": arguments | values,
        "id": st.integers() | values,
        "path": st.sampled_from(["/h", "/", "/no"]) | values,
        "key": st.text(max_size=5) | values,
        "create": st.just("object") | values,
        "confirm": values,
    },
)


def is_told(answer: httpx.Response) -> bool:
    """A result or a whole problem document."""
    if answer.status_code < 300:
        return True
    document = answer.json()
    return 400 <= answer.status_code < 500 and document["status"] == answer.status_code and bool(document["detail"])


@pytest.fixture
def client(site):
    site.new("/h")
    with httpx.Client(headers=site.bearer, timeout=20) as kept:
        yield kept


@MANY
@given(body=st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()), command=names)
def test_any_body_is_answered(site, client, body, command):
    answer = client.post(site.url(f"/h:{command}"), content=body, headers={"Content-Type": "application/json"})

    assert is_told(answer), (answer.status_code, answer.text)


@MANY
@given(sent=arguments, command=names)
def test_any_arguments_are_answered(site, client, sent, command):
    body = json.dumps(sent).encode()

    answer = client.post(site.url(f"/h:{command}"), content=body, headers={"Content-Type": "application/json"})

    assert is_told(answer), (answer.status_code, answer.text)


@MANY
@given(path=st.binary(min_size=1, max_size=30), query=st.binary(max_size=20), method=st.sampled_from(["GET", "POST"]))
def test_any_address_is_answered(site, client, path, query, method):
    encoded = "".join(f"%{byte:02X}" for byte in path) + "?" + "".join(f"%{byte:02X}" for byte in query)
    for address in (f"/{encoded}", f"/h:state.get{encoded}", f"/h:state.get?key=%00&{encoded}"):
        answer = client.request(method, site.url(address), headers={"Content-Type": "text/plain"}, content=b"x")

        assert is_told(answer), (answer.status_code, answer.text, address)


@MANY
@given(
    headers=st.dictionaries(
        st.sampled_from(
            ["Authorization", "Idempotency-Key", "Content-Type", "Accept", "Cookie", "Daphne-Root-Path", "X-CSRFToken"]
        ),
        st.text(st.characters(min_codepoint=33, max_codepoint=255), min_size=1, max_size=30).map(
            lambda text: text.encode("latin-1")
        ),
    )
)
def test_any_headers_are_answered(site, client, headers):
    answer = client.post(site.url("/h:state.incr"), content=b'{"key": "n"}', headers=headers)

    assert is_told(answer), (answer.status_code, answer.text)


@settings(MANY, max_examples=60)
@given(messages=st.lists(requests | st.lists(requests, max_size=4) | values, min_size=1, max_size=6))
def test_any_message_is_answered_and_the_socket_goes_on(site, messages):
    site.new("/h")
    address = f"ws://127.0.0.1:{site.web.port}/ws/v1/{site.team}/h"
    with websockets.sync.client.connect(address, additional_headers=site.bearer) as socket:
        for message in messages:
            socket.send(json.dumps(message))
        socket.send('{"jsonrpc": "2.0", "id": "the last", "method": "unsubscribe", "params": {}}')
        while True:
            answer = json.loads(socket.recv(timeout=30))
            for each in answer if isinstance(answer, list) else [answer]:
                if "error" in each:
                    assert each["error"]["data"]["status"] < 500, each
            if isinstance(answer, dict) and answer.get("id") == "the last":
                break
