"""Metrics of the web process, and who may read them."""

from __future__ import annotations

import hmac
import ipaddress

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

from streamer.web.config import WebConfig

HOOKS = Counter("streamer_hooks_total", "Webhook deliveries by what became of them", ["account", "outcome"])
HOOK_SECONDS = Histogram("streamer_hook_seconds", "From the head of a delivery to Kafka's acknowledgement", ["account"])
PAGE_SECONDS = Histogram("streamer_page_seconds", "Time to make a page of the console", ["page"])
LOGINS = Counter("streamer_logins_total", "Attempts to log in", ["outcome"])
READ_MODEL_LAG = Gauge("streamer_read_model_lag_records", "Records that the console's read model has still to read")
READ_MODEL_RECORDS = Counter("streamer_read_model_records_total", "Records taken into the console's read model")


def metrics_page(config: WebConfig) -> web.RouteDef:
    """`/metrics`: with the token, or (where none is set) from this machine alone."""

    async def show(request: web.Request) -> web.Response:
        if not _may_read(request, config.metrics_token):
            raise web.HTTPNotFound
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return web.get("/metrics", show)


def _may_read(request: web.Request, token: str) -> bool:
    if token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())
    # Behind a proxy every peer is this machine: what came through one does not count as local.
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers or request.remote is None:
        return False
    return ipaddress.ip_address(request.remote.partition("%")[0]).is_loopback
