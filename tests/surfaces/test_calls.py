"""Calls over HTTP do what they say, and answer in one form."""

import uuid

import httpx


def test_a_call_answers_with_its_value_and_the_objects_version(site):
    site.new("/a")

    answer = site.post("/a:state.incr", json={"key": "n", "by": 5})

    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (
        200,
        "application/json",
        {"value": 5, "version": 2},
    )


def test_a_call_without_a_body_has_no_arguments(site):
    site.new("/empty")

    answer = site.post("/empty:state.list")

    assert answer.json() == {"value": {"entries": [{"key": "n", "value": 0}], "next": None}, "version": 1}


def test_the_root_is_called_at_the_teams_address(site):
    assert site.post("/:state.set", json={"key": "k", "value": "v"}).json()["value"] == {"key": "k", "value": "v"}


def test_names_with_spaces_and_any_script_are_percent_encoded(site):
    path = "/größe & maß/%E4%BD%A0%E5%A5%BD/100%25"
    site.new(path)

    assert site.post(f"{path}:state.incr", json={"key": "n"}).json() == {"value": 1, "version": 2}


def test_an_encoded_colon_separates_the_command_too(site):
    site.new("/colon")

    assert site.post("/colon%3Astate.incr", json={"key": "n"}).json() == {"value": 1, "version": 2}


def test_a_path_is_one_object_in_either_unicode_form(site):
    site.new("/caf%C3%A9")

    assert site.post("/cafe%CC%81:state.incr", json={"key": "n"}).json() == {"value": 1, "version": 2}


def test_reading_commands_are_called_by_get_with_words_in_the_query(site):
    site.new("/read")

    answer = site.get("/read:state.get", params={"key": "absent", "default": '{"a": [1]}'})

    assert answer.json() == {"value": {"a": [1]}, "version": 1}


def test_a_head_has_the_headers_of_the_get_and_no_body(site):
    site.new("/head")

    head, get = site.request("HEAD", "/head:state.get?key=n"), site.get("/head:state.get?key=n")

    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(get.content)), b"")


def test_options_tell_the_methods_and_allow_no_other_site(site):
    answer = site.request("OPTIONS", "/a", headers={"Origin": "https://evil.example"})

    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, POST, OPTIONS")
    assert [name for name in answer.headers if name.startswith("access-control")] == []


def test_an_idempotency_key_makes_a_call_take_place_once(site):
    site.new("/once")
    key = {"Idempotency-Key": uuid.uuid4().hex}

    first = site.post("/once:state.incr", json={"key": "n"}, headers=key)
    second = site.post("/once:state.incr", json={"key": "n"}, headers=key)

    assert (first.json(), "idempotency-replayed" in first.headers) == ({"value": 1, "version": 2}, False)
    assert (second.json(), second.headers["idempotency-replayed"]) == ({"value": 1, "version": 2}, "true")


def test_an_object_is_made_on_first_use_when_asked_to(site):
    answer = site.post("/made/on/use:state.incr?create=object", json={"key": "n"})

    assert answer.json() == {"value": 1, "version": 1}


def test_a_description_tells_the_object_and_its_commands(site):
    site.new("/told")

    value = site.get("/told").json()["value"]

    assert (value["path"], value["kind"]) == ("/told", "object")
    assert next(each for each in value["commands"] if each["name"] == "state.incr") == {
        "name": "state.incr",
        "verb": "changes",
        "role": "editor",
        "usage": "state incr key [by=1]",
        "summary": "Add to a number; a key that is not there counts as 0. Tells the sum.",
    }


def test_openapi_is_served_to_members(site):
    answer = site.get("/openapi.json")

    assert (answer.status_code, answer.json()["openapi"]) == (200, "3.1.0")


def test_a_moved_object_answers_with_its_new_address(site):
    site.new("/old place")
    assert site.post("/old place:tree.move", json={"to": "/new place"}).status_code == 200

    answer = site.post("/old place:state.incr?confirm=yes", json={"key": "n"})

    assert (answer.status_code, answer.headers["location"]) == (
        308,
        f"/api/v1/{site.team}/new%20place:state.incr?confirm=yes",
    )
    followed = httpx.post(
        site.url("/old place:state.incr"), json={"key": "n"}, headers=site.bearer, follow_redirects=True
    )
    assert followed.json()["value"] == 1


def test_answers_are_not_kept_by_caches_and_not_guessed_at(site):
    site.new("/headers")

    answer = site.get("/headers:state.get?key=n")

    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")


def test_django_serves_all_other_addresses(site):
    assert httpx.get(f"{site.web.url}/account/login/").status_code == 200
