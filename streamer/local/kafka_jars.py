"""Apache Kafka's jars: resolved once, checked against known hashes, remembered for the next start."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from streamer.errors import Unavailable

KAFKA_VERSION = "4.3.1"
# The binding of slf4j writes the broker's log to standard error; Kafka's own artifact brings none.
ENDPOINT = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:2.0.17"
HASHES = "kafka_jars.sha256"


def class_path() -> str:
    """The class path of the broker, from the user's cache; the first call on a machine fetches the jars.

    Raises `Unavailable` when they cannot be fetched or are not those that were published.
    """
    cache = cache_dir()
    remembered = cache / f"kafka-{KAFKA_VERSION}.classpath"
    if known := _remembered(remembered):
        return known
    with _one_at_a_time(cache):
        if known := _remembered(remembered):
            return known
        jars = _resolve()
        _check(jars)
        found = os.pathsep.join(map(str, jars))
        temporary = remembered.with_suffix(".new")
        temporary.write_text(found)
        temporary.replace(remembered)
        return found


def cache_dir() -> Path:
    """Where this product keeps what can be fetched again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "streamer"


def published_hashes() -> dict[str, str]:
    """SHA-256 by file name, as checked in beside this module (the form of `sha256sum`)."""
    lines = files(__package__).joinpath(HASHES).read_text().splitlines()
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def _remembered(file: Path) -> str | None:
    try:
        found = file.read_text()
    except OSError:
        return None
    return found if all(Path(jar).is_file() for jar in found.split(os.pathsep)) else None


def _resolve() -> list[Path]:
    import jgo  # slow to import, and needed once on a machine

    try:
        environment = jgo.build(ENDPOINT)
    except Exception as error:
        raise Unavailable(
            f"Apache Kafka's jars could not be fetched ({type(error).__name__}); "
            "is there a way to a Maven repository? Or name bootstrap servers in the settings."
        ) from error
    # jgo sorts jars with a module descriptor into a folder of their own; a plain class path takes both.
    return sorted([*environment.path.glob("jars/*.jar"), *environment.path.glob("modules/*.jar")])


def _check(jars: list[Path]) -> None:
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in jars}
    published = published_hashes()
    wrong = sorted(name for name in found.keys() | published.keys() if found.get(name) != published.get(name))
    if wrong:
        raise Unavailable(
            f"Apache Kafka's jars are not those that this release was tried with: {', '.join(wrong)}; "
            f"delete {jars[0].parent.parent if jars else cache_dir()} and try again."
        )


@contextmanager
def _one_at_a_time(cache: Path) -> Iterator[None]:
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
