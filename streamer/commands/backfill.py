"""`streamer backfill`: read records of an account again, by dates or ids, so that what is missing is copied."""

from __future__ import annotations

import asyncio
import getpass
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from streamer.errors import Malformed, Misconfigured, Refused

if TYPE_CHECKING:
    from streamer.messages.records import Backfill
    from streamer.settings import Settings


def register(app: typer.Typer) -> None:
    app.command("backfill")(backfill)


def backfill(
    account: Annotated[str, typer.Argument(help="Where the records are, for instance main-shop.")],
    kind: Annotated[list[str], typer.Option(help="order, customer, lead or deal; may be given several times.")],
    since: Annotated[str | None, typer.Option(help="Changed since this day or time.")] = None,
    until: Annotated[str | None, typer.Option(help="Changed until this day or time; a day counts whole.")] = None,
    ids: Annotated[str | None, typer.Option(help="Their ids: 1001,1005 or a range 1001-1050.")] = None,
    route: Annotated[str | None, typer.Option(help="Only this route; else every route of the account.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be copied; send nothing.")] = False,
) -> None:
    """Read records again and copy what is missing; the routes' cut-off does not hold for them."""
    from streamer import settings as configuration

    settings = configuration.load()
    act = wish(settings, account, kind, since=since, until=until, ids=ids, route=route, dry_run=dry_run)
    asyncio.run(_send(settings, act))
    where = f"http://{settings.web.host}:{settings.web.port}/records?asked={act.act_id}"
    typer.echo(f"Asked {account} for {', '.join(act.kinds)} records; what becomes of them: {where}")


def wish(
    settings: Settings,
    account: str,
    kinds: Iterable[str],
    *,
    since: str | None,
    until: str | None,
    ids: str | None,
    route: str | None,
    dry_run: bool,
) -> Backfill:
    """The message. Raises Misconfigured, Malformed or Refused that names the option."""
    from pydantic import ValidationError

    from streamer.messages.record_bounds import ids_of, time_of
    from streamer.messages.records import Backfill

    if account not in settings.accounts:
        raise Misconfigured("account", f"{account!r} is not in [accounts]")
    if route is not None and all(one.name != route for one in settings.routes):
        raise Misconfigured("--route", f"{route!r} is not among the routes")
    if since is None and ids is None:
        raise Refused("--since or --ids: a back-fill needs bounds.")
    zone = settings.company.time_zone
    try:
        return Backfill(
            account=account,
            kinds=tuple(kinds),  # type: ignore[arg-type]  # checked by the model
            route=route,
            since=time_of(since, zone, "--since") if since else None,
            until=time_of(until, zone, "--until", whole_day=True) if until else None,
            ids=ids_of(ids, "--ids") if ids else (),
            dry_run=dry_run,
            actor=f"cli:{getpass.getuser()}",
            act_id=secrets.token_hex(8),
            at=datetime.now(UTC),
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Malformed(first["msg"], field=".".join(map(str, first["loc"]))) from error


async def _send(settings: Settings, act: Backfill) -> None:
    from aiokafka import AIOKafkaProducer
    from aiokafka.errors import KafkaError

    from streamer.commands.connection import bootstrap_servers
    from streamer.messages.envelope import headers_of

    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers(settings), enable_idempotence=True) as producer:
        try:
            for topic, key in act.places():
                await producer.send_and_wait(topic, act.to_json(), key=key.encode(), headers=list(headers_of(act)))
        except KafkaError as error:
            raise Refused(f"Kafka did not take the act: {error}") from error
