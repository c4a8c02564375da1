"""`streamer topics`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from streamer.errors import Unavailable


def test_the_list_needs_no_kafka(settings_file: Callable[..., Path], streamer: Callable[..., Result]) -> None:
    settings_file(app_id="shop")
    done = streamer("topics")
    assert done.exit_code == 0
    for name in ("order-status", "dead-letters", "shop-stock-changelog"):
        assert name in done.stdout


def test_check_fails_until_the_topics_are_created(
    kafka_bootstrap: str, settings_file: Callable[..., Path], streamer: Callable[..., Result]
) -> None:
    settings_file(kafka_bootstrap, app_id="checked")
    before = streamer("topics", "--check")
    assert before.exit_code == 1
    assert "The topic checked-stock-changelog is missing; `streamer topics --create` makes it." in before.stdout
    created = streamer("topics", "--create")
    assert created.exit_code == 0, created.stdout
    assert "created checked-stock-changelog" in created.stdout
    after = streamer("topics", "--check")
    assert (after.exit_code, "as declared" in after.stdout) == (0, True)


def test_without_a_kafka_it_says_how_to_get_one(
    settings_file: Callable[..., Path], streamer: Callable[..., Result]
) -> None:
    settings_file()
    done = streamer("topics", "--check")
    assert isinstance(done.exception, Unavailable)
    assert "`streamer up` starts one" in str(done.exception)


def test_a_broker_that_does_not_answer_is_named(
    settings_file: Callable[..., Path], streamer: Callable[..., Result]
) -> None:
    settings_file("127.0.0.1:1")
    done = streamer("topics", "--check")
    assert isinstance(done.exception, Unavailable)
    assert "does not answer at 127.0.0.1:1" in str(done.exception)
