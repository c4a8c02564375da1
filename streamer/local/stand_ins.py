"""Stand-ins for two foreign servers, for trying out without them: the shop's API, and NHTSA's recalls and decoder.

They answer in the shapes that the vendors document, for the few things of the sample shop, and keep what they were
asked.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
from aiohttp import web

SKUS = {
    "49881200331": "BRK-PAD-F22",
    "49881200332": "OIL-5W30-4L",
    "49881200333": "BRK-FLUID-1L",
    "49881200334": "TYR-205-55",
    "49881200335": "BRK-HOSE-F22",
}
"""Inventory item -> SKU of the sample shop."""

VEHICLES = {"1HGCM82633A004352": ("HONDA", "Accord", "2003")}

RECALLS = {
    ("honda", "accord", "2003"): [
        {
            "Manufacturer": "Honda (American Honda Motor Co.)",
            "NHTSACampaignNumber": "26V251000",
            "parkIt": False,
            "parkOutSide": False,
            "overTheAirUpdate": False,
            "ReportReceivedDate": "28/04/2026",
            "Component": "SERVICE BRAKES, HYDRAULIC:FOUNDATION COMPONENTS:HOSES, LINES/PIPING, AND FITTINGS",
            "Summary": "The front brake hoses may crack with age and leak brake fluid.",
            "Consequence": "Less braking force raises the risk of a crash.",
            "Remedy": "Dealers will replace both front brake hoses, free of charge.",
            "Notes": "",
            "ModelYear": "2003",
            "Make": "HONDA",
            "Model": "ACCORD",
        }
    ]
}


class StandIns:
    """One server for both; `asked` holds the GraphQL operations and paths in order. `skus` may be changed by tests."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.skus = dict(SKUS)
        self.recalls = {key: list(found) for key, found in RECALLS.items()}
        self.port = 0
        app = web.Application()
        app.add_routes(
            [
                web.post("/admin/api/{version}/graphql.json", self._graphql),
                web.get("/admin/api/{version}/orders.json", self._orders),
                web.get("/admin/api/{version}/customers.json", self._customers),
                web.get("/admin/api/{version}/inventory_levels.json", self._levels),
                web.get("/recalls/recallsByVehicle", self._recalls),
                web.get("/api/vehicles/DecodeVinValues/{vin}", self._decode),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self, port: int = 0) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _graphql(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        found = re.search(r"\{\s*(?:\w+\s*:\s*)?(\w+)", body["query"])
        operation = found.group(1) if found else ""
        variables = body.get("variables") or {}
        self.asked.append((operation, variables))
        answer = getattr(self, f"_graphql_{operation}", None)
        if answer is None:
            return web.json_response(
                {"errors": [{"message": f"Field '{operation}' doesn't exist on type 'QueryRoot'"}]}
            )
        return web.json_response({"data": {operation: answer(variables)}})

    def _graphql_nodes(self, variables: dict[str, Any]) -> list[Any]:
        return [
            {"id": gid, "sku": self.skus[number], "tracked": True}
            if (number := gid.rpartition("/")[2]) in self.skus
            else None
            for gid in variables["ids"]
        ]

    def _graphql_tagsAdd(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - Shopify's name
        return {"node": {"id": variables["id"]}, "userErrors": []}

    def _graphql_tagsRemove(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"node": {"id": variables["id"]}, "userErrors": []}

    def _graphql_orderCancel(self, _variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"job": {"id": "gid://shopify/Job/1", "done": False}, "orderCancelUserErrors": []}

    async def _orders(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, dict(request.query)))
        return web.json_response({"orders": []})

    async def _customers(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, dict(request.query)))
        return web.json_response({"customers": []})

    async def _levels(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, dict(request.query)))
        return web.json_response({"inventory_levels": []})

    async def _recalls(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, dict(request.query)))
        query = request.query
        key = (query.get("make", "").lower(), query.get("model", "").lower(), query.get("modelYear", ""))
        found = self.recalls.get(key, [])
        return web.json_response({"Count": len(found), "Message": "Results returned successfully", "results": found})

    async def _decode(self, request: web.Request) -> web.Response:
        vin = request.match_info["vin"]
        self.asked.append((request.path, dict(request.query)))
        make, model, year = VEHICLES.get(vin, ("", "", ""))
        result = {
            "VIN": vin,
            "Make": make,
            "Model": model,
            "ModelYear": year,
            "ErrorCode": "0" if make else "8",
            "ErrorText": "0 - VIN decoded clean." if make else "8 - No detailed data available",
        }
        return web.json_response({"Count": 1, "Message": "", "SearchCriteria": f"VIN(s): {vin}", "Results": [result]})
