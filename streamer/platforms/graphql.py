"""GraphQL over HTTP: one question, and what its errors mean.

A server answers 200 even when it refuses. Top-level `errors` are about the whole question (GraphQL specification,
section 7.1.2); what a mutation refuses stands in a list inside `data`, which adapters look at with `refuse`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from streamer.errors import Refused, Unavailable, Unclear
from streamer.platforms.wire import Call, HttpRequest, Reply, post

THROTTLED = frozenset({"THROTTLED", "RATE_LIMITED"})
BROKEN = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT"})


def ask(
    exchange: Callable[[HttpRequest], Call[Reply]], url: str, query: str, variables: Mapping[str, object], *, safe: bool
) -> Call[Mapping[str, Any]]:
    """The `data` of the answer to a question that `exchange` (a platform's `ask`) sends; not `safe` for a mutation.

    Raises Unavailable when throttled (nothing was done), Refused for errors, Unclear when nobody knows.
    """
    reply = yield from exchange(post(url, {"query": query, "variables": dict(variables)}, safe=safe))
    return data_of(reply)


def data_of(reply: Reply) -> Mapping[str, Any]:
    """The `data` of an answer; raises like `ask`."""
    body = reply.json()
    if not isinstance(body, Mapping):
        raise reply.unreadable("is no object")
    if errors := body.get("errors"):
        raise _error(errors, body, reply)
    data = body.get("data")
    if not isinstance(data, Mapping):
        raise reply.unreadable("has no data")
    return data


def refuse(errors: Iterable[Mapping[str, Any]]) -> None:
    """Raises Refused with what a mutation's own list of errors says; an empty one is a success."""
    told = [_words(error) for error in errors]
    if told:
        raise Refused("; ".join(told)[:1000])


def _error(errors: Any, body: Mapping[str, Any], reply: Reply) -> Exception:
    listed = [error for error in errors if isinstance(error, Mapping)] if isinstance(errors, list) else []
    codes = {str((error.get("extensions") or {}).get("code", "")) for error in listed}
    words = "; ".join(map(_words, listed))[:1000] or str(errors)[:1000]
    if codes & THROTTLED:
        return Unavailable(words, retry_after_seconds=_wait_seconds(body))
    if codes & BROKEN:
        return Unavailable(words) if reply.safe else Unclear(words)
    return Refused(words, status=reply.status)


def _words(error: Mapping[str, Any]) -> str:
    code = error.get("code") or (error.get("extensions") or {}).get("code")
    message = str(error.get("message", "refused without a word"))
    return f"{code}: {message}" if code else message


def _wait_seconds(body: Mapping[str, Any]) -> float:
    """Until the question can be paid for, where the server counts points (Shopify: `extensions.cost`)."""
    try:
        cost = body["extensions"]["cost"]
        status = cost["throttleStatus"]
        missing = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        return max(1.0, missing / float(status["restoreRate"]))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return 1.0
