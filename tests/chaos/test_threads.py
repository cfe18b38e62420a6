"""Whatever breaks around a call, the engine's threads go on, and a call that was committed is answered as such."""

import pytest

from objects.engine.calls import Call
from objects.storage.cache import ImageCache
from teams.problems import Fault


@pytest.fixture
def alone(grove, engine_with):
    """The same through an engine with one thread: were it to end, nothing would be answered any more."""
    return grove.through(engine_with(ENGINE_THREADS=1))


def breaks(*_: object) -> None:
    raise RuntimeError("broken on purpose")


def test_an_exception_in_what_is_told_of_events_is_nothing_to_the_caller(alone, monkeypatch):
    path = alone.new()

    with monkeypatch.context() as patch:
        patch.setattr(alone.engine, "publish", breaks)
        told = alone.call(path, "state.incr", key="n")

    assert [told, alone.call(path, "state.incr", key="n")] == [1, 2]


def test_an_exception_in_the_cache_after_the_commit_is_nothing_to_the_caller(alone, monkeypatch):
    path = alone.new()
    alone.call(path, "state.incr", key="n")

    with monkeypatch.context() as patch:
        patch.setattr(ImageCache, "give", breaks)
        told = alone.call(path, "state.incr", key="n")

    assert [told, alone.call(path, "state.incr", key="n")] == [2, 3]


def test_an_exception_in_a_reply_is_nothing_to_the_other_calls(alone):
    path = alone.new()

    for _ in range(3):
        alone.engine.submit(Call(alone.schema, path, "state.incr", {"key": "n"}, alone.caller, breaks))

    assert alone.call(path, "state.incr", key="n") == 4


def test_code_that_wants_to_end_the_process_ends_its_call_only(alone, purse):
    path = purse(5)

    told = alone.outcome(path, "leave").problem

    assert told.members() == Fault("leave: Grove made a mistake. Nothing was changed. It is in the log.").members()
    assert alone.call(path, "balance") == 5


def test_a_call_that_breaks_the_write_of_its_batch_fails_alone(alone, monkeypatch):
    path = alone.new()
    # Postgres has no U+0000 in its texts; had a check let one through, the whole batch's journal could not be written.
    poison = {"key": "n", "by": 5}
    lines = alone.engine.registry.command("object", "state.incr")
    monkeypatch.setattr(lines, "masked", lambda given: {"by": "\0" if given.get("by") == 5 else "fine"})

    outcomes = alone.together(
        path, [("state.incr", {"key": "n"}), ("state.incr", poison), ("state.incr", {"key": "n"})]
    )

    assert [outcome.value for outcome in outcomes] == [1, None, 2]
    assert (
        outcomes[1].problem.members()
        == Fault("state.incr: Grove made a mistake. Nothing was changed. It is in the log.").members()
    )
    assert alone.call(path, "state.get", key="n") == 2
