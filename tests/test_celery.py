"""What Celery is set to: JSON only, one application in every process, and what beat starts exists."""

from celery import current_app

from config.celery import app


def test_every_process_sends_its_tasks_through_groves_application() -> None:
    assert current_app._get_current_object() is app


def test_only_json_is_read_and_written_and_a_task_counts_as_done_when_it_is() -> None:
    names = ("accept_content", "task_serializer", "result_serializer", "task_acks_late", "worker_prefetch_multiplier")

    assert {name: app.conf[name] for name in names} == {
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_serializer": "json",
        "task_acks_late": True,
        "worker_prefetch_multiplier": 1,
    }


def test_what_beat_is_to_start_exists() -> None:
    app.loader.import_default_modules()

    assert [entry["task"] for entry in app.conf.beat_schedule.values() if entry["task"] not in app.tasks] == []
