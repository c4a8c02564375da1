"""Vendors' own contracts, beside the repository where there are any: is a request one that the vendor describes?

Many forms become one: operations with a method, a pattern for the path, the names of the query and a JSON Schema of the
body. What a cut document refers to and does not hold counts as "anything".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import yaml
from jsonschema import Draft202012Validator
from lxml import etree
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.contracts.recorded import shared_samples

ROOT_URI = "urn:contract"
METHODS = ("get", "put", "post", "patch", "delete")
TYPES = {"Edm.String": "string", "Edm.Boolean": "boolean", "Edm.Int16": "integer", "Edm.Int32": "integer"}
SCALARS = {"string": "string", "boolean": "boolean", "integer": "integer", "long": "integer", "timestamp": "string"}


DEVIATIONS: Mapping[str, Mapping[str, str]] = {
    "lightspeed": {
        r"^body": "the document puts bodies into `data`, the vendor's own pages and servers take them bare",
    },
    "magento": {r"^query parameter searchCriteria\[": "the document spells filterGroups, servers take filter_groups"},
    "quickbooks_online": {
        r"^body\.(DisplayName|PrimaryEmailAddr) ": "customers and vendors stand in a file that is not here",
    },
    "sage_200": {
        r"^query parameter \$": "OData options are described in the vendor's text, not in its document",
        r"is a required property$": "one schema serves answers and requests; what the server fills in is not required",
    },
    "xero": {r"^query parameter unitdp ": "described in the vendor's text on rounding, not in its document"},
    "slack": {r"^body\.metadata ": "message metadata is younger than the document (2021)"},
}
"""Where a document is known to be wrong or old: what is passed over, and why."""


class Operation(NamedTuple):
    """One thing that a vendor lets us do. `body` is a JSON Schema over the document `root`."""

    method: str
    path: re.Pattern[str]
    query: frozenset[str] | None  # None: nothing is said about it
    required: frozenset[str]
    body: Mapping[str, Any] | None
    root: Mapping[str, Any]
    target: str = ""  # of the header X-Amz-Target


def specs(platform: str) -> Path | None:
    """The folder of a platform's contracts."""
    samples = shared_samples()
    folder = samples.parents[1] / "specs" / platform if samples is not None else None
    return folder if folder is not None and folder.is_dir() else None


def breaches(platform: str, method: str, url: str, query: Mapping[str, str], headers: Mapping[str, str],
             body: Any) -> list[str] | None:  # fmt: skip
    """What the contract does not allow; None where no contract speaks of such a request."""
    path = unquote(urlsplit(url).path)
    target = next((text for name, text in headers.items() if name.lower() == "x-amz-target"), "")
    found = [one for one in operations(platform) if one.method == method and one.path.search(path)]
    found = [one for one in found if not one.target or target.endswith(one.target)]
    told = min((list(_breaches(one, query, body)) for one in found), key=len) if found else _named(platform, body)
    if told is None:
        return None
    known = DEVIATIONS.get(platform, {})
    return [breach for breach in told if not any(re.search(pattern, breach) for pattern in known)]


def _named(platform: str, body: Any) -> list[str] | None:
    """For a contract that is only a schema of entities (XSD): every name in the body is one of its elements.

    An element with attributes and text is an object in JSON; `value` is its text.
    """
    names: set[str] = set()
    for tree in _schemas(platform):
        names |= {str(element.get("name")) for element in tree.iterfind(".//{*}element[@name]")}
        for inner in tree.iterfind(".//{*}simpleContent"):
            names |= {"value", *(str(attribute.get("name")) for attribute in inner.iterfind(".//{*}attribute"))}
    if not names or not isinstance(body, Mapping):
        return None
    return [f"body.{name} is unknown to the contract" for name in _names_in(body) if name not in names]


@cache
def _schemas(platform: str) -> tuple[Any, ...]:
    folder = specs(platform)
    return tuple(etree.parse(path) for path in (folder.glob("*.xsd") if folder is not None else ()))


def _names_in(body: Any) -> Iterator[str]:
    if isinstance(body, Mapping):
        for name, inner in body.items():
            yield name
            yield from _names_in(inner)
    elif isinstance(body, list):
        for inner in body:
            yield from _names_in(inner)


def _breaches(one: Operation, query: Mapping[str, str], body: Any) -> Iterator[str]:
    for name in sorted(one.required - query.keys()):
        yield f"query parameter {name} is required"
    if one.query is not None:
        for name in sorted(query.keys() - one.query):
            yield f"query parameter {name} is unknown"
    if one.body is None or body is None:
        return
    registry: Registry[Any] = Registry().with_resource(ROOT_URI, DRAFT202012.create_resource(one.root))
    for error in Draft202012Validator(one.body, registry=registry).iter_errors(body):
        yield f"body {'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
    yield from _unknown(one.body, body, one.root, "body")


def _unknown(schema: Any, value: Any, root: Mapping[str, Any], path: str) -> Iterator[str]:
    """Names that the contract does not know: a typing error that a lenient server would pass over."""
    if isinstance(value, list):
        items = [inner["items"] for inner in _parts(schema, root) if isinstance(inner.get("items"), Mapping)]
        for place, one in enumerate(value):
            yield from _unknown({"anyOf": items}, one, root, f"{path}.{place}") if items else ()
    if not isinstance(value, Mapping):
        return
    parts = list(_parts(schema, root))
    known = {name: inner for part in parts for name, inner in part.get("properties", {}).items()}
    if not known or any(part.get("additionalProperties") not in (None, False) for part in parts):
        return
    for name, inner in value.items():
        if name in known:
            yield from _unknown(known[name], inner, root, f"{path}.{name}")
        else:
            yield f"{path}.{name} is unknown to the contract"


def _parts(schema: Any, root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if not isinstance(schema, Mapping):
        return
    if isinstance(ref := schema.get("$ref"), str):
        yield from _parts(_at(root, ref.removeprefix(ROOT_URI)), root)
    for word in ("allOf", "anyOf", "oneOf"):
        for inner in schema.get(word, ()):
            yield from _parts(inner, root)
    yield schema


def _at(root: Any, ref: str) -> Any:
    """What a local reference points at; an empty schema where nothing is there."""
    for name in ref.removeprefix("#/").split("/"):
        plain = unquote(name).replace("~1", "/").replace("~0", "~")
        if isinstance(root, list) and plain.isdigit() and int(plain) < len(root):
            root = root[int(plain)]
        elif isinstance(root, Mapping) and plain in root:
            root = root[plain]
        else:
            return None
    return root


# --- reading ----------------------------------------------------------------------------------------------------------


@cache
def operations(platform: str) -> tuple[Operation, ...]:
    """All that the platform's contracts describe."""
    folder = specs(platform)
    found: list[Operation] = []
    for path in sorted(folder.iterdir()) if folder is not None else ():
        if path.suffix in (".edmx", ".xml"):
            found += _odata(path)
        elif path.suffix in (".json", ".yaml", ".yml"):
            text = path.read_text(encoding="utf-8")
            told = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
            found += _document(path, told)
    return tuple(found)


def _document(path: Path, told: Mapping[str, Any]) -> Iterator[Operation]:
    if "discoveryVersion" in told:
        return _discovery(told)
    if "operations" in told and "shapes" in told:
        return _amazon(told)
    if path.name.startswith("paths."):  # one part of a document that was taken apart
        schemas = path.parent / "components.schemas.json"
        root = {"components": {"schemas": json.loads(schemas.read_text(encoding="utf-8"))}}
        return _paths({f"/{name.replace('_', '/')}": inner for name, inner in told.items()}, root)
    return _paths(told.get("paths", {}), told)


def _paths(paths: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[Operation]:
    root = _plain({**told, "paths": {}}, told)
    for path, item in paths.items():
        for method in METHODS:
            if method not in item:
                continue
            wanted = [_follow(one, told) for one in (*item.get("parameters", ()), *item[method].get("parameters", ()))]
            query = [one for one in wanted if one.get("in") == "query"]
            yield Operation(
                method.upper(),
                _pattern(path),
                frozenset(one["name"] for one in query) | frozenset(re.findall(r"[?&](\w+)=", path)),
                frozenset(one["name"] for one in query if one.get("required")),
                _plain(_body_of(item[method], wanted, told), told),
                root,
            )


def _body_of(operation: Mapping[str, Any], parameters: list[Any], told: Mapping[str, Any]) -> Any:
    content = _follow(operation.get("requestBody") or {}, told).get("content", {})
    for kind, inner in content.items():
        if "json" in kind or "form" in kind:
            return inner.get("schema")
    given = next((one.get("schema") for one in parameters if one.get("in") == "body"), None)
    form = [one for one in parameters if one.get("in") == "formData"]
    if given is None and form:
        return {
            "type": "object",
            "properties": {one["name"]: {} for one in form},
            "required": [one["name"] for one in form if one.get("required")],
        }
    return given


def _follow(one: Mapping[str, Any], told: Mapping[str, Any]) -> Mapping[str, Any]:
    found = _at(told, one["$ref"]) if isinstance(one.get("$ref"), str) else one
    return found if isinstance(found, Mapping) else {}


def _plain(schema: Any, told: Mapping[str, Any]) -> Any:
    """OpenAPI's dialect as JSON Schema; references that lead nowhere become "anything"."""
    if isinstance(schema, list):
        return [_plain(one, told) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    if isinstance(ref := schema.get("$ref"), str):
        aim = _at(told, ref) if ref.startswith("#/") else None
        if ref.startswith("#/paths/"):
            return _plain(aim, told)
        return {"$ref": ROOT_URI + ref} if aim is not None else {}
    found = {
        "anyOf" if name == "oneOf" else name: _plain(inner, told) for name, inner in schema.items()  # ways may overlap
        if name not in ("example", "examples", "default", "format", "discriminator", "xml", "nullable", "readOnly")
        and not (name in ("exclusiveMinimum", "exclusiveMaximum", "required") and isinstance(inner, bool))
        and not (name == "pattern" and not _is_pattern(inner))
        and not (name == "type" and not isinstance(inner, str | list | Mapping))
    }  # fmt: skip
    return {"anyOf": [found, {"type": "null"}]} if schema.get("nullable") is True else found


def _is_pattern(text: Any) -> bool:
    try:
        re.compile(text)
    except (re.error, TypeError):
        return isinstance(text, Mapping)  # a field of that name
    return True


def _pattern(path: str) -> re.Pattern[str]:
    """A path template as a pattern for the end of a path."""
    parts = re.split(r"\{[^}]*\}", path.split("?", maxsplit=1)[0].rstrip("/"))
    return re.compile("[^/]+".join(map(re.escape, parts)) + "/?$")


def _discovery(told: Mapping[str, Any]) -> Iterator[Operation]:
    """Google's API discovery format."""

    def plain(schema: Any) -> Any:
        if isinstance(schema, list):
            return [plain(one) for one in schema]
        if not isinstance(schema, Mapping):
            return schema
        if isinstance(ref := schema.get("$ref"), str):
            return {"$ref": f"{ROOT_URI}#/schemas/{ref}"} if ref in told["schemas"] else {}
        return {
            name: plain(inner)
            for name, inner in schema.items()
            if name in ("type", "properties", "items", "additionalProperties", "enum") and inner != "any"
        }

    root = {"schemas": {name: _properties(schema, plain) for name, schema in told["schemas"].items()}}
    for method in _methods(told):
        query = {name for name, one in method.get("parameters", {}).items() if one.get("location") == "query"}
        body = method.get("request")
        yield Operation(
            method["httpMethod"],
            _pattern("/" + method["path"]),
            frozenset(query | told.get("parameters", {}).keys()),
            frozenset(name for name in query if method["parameters"][name].get("required")),
            {"$ref": f"{ROOT_URI}#/schemas/{body['$ref']}"} if body else None,
            root,
        )


def _properties(schema: Mapping[str, Any], plain: Any) -> Any:
    found = plain({name: inner for name, inner in schema.items() if name != "properties"})
    if "properties" in schema:
        found["properties"] = {name: plain(inner) for name, inner in schema["properties"].items()}
    return found


def _methods(told: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from told.get("methods", {}).values()
    for inner in told.get("resources", {}).values():
        yield from _methods(inner)


def _amazon(told: Mapping[str, Any]) -> Iterator[Operation]:
    """The service models of botocore."""
    root = {"shapes": {name: _shape(shape) for name, shape in told["shapes"].items()}}
    prefix = told["metadata"].get("targetPrefix")
    for name, operation in told["operations"].items():
        body = operation.get("input")
        yield Operation(
            operation["http"]["method"],
            _pattern(operation["http"]["requestUri"]) if not prefix else re.compile("^/?$"),
            None,
            frozenset(),
            {"$ref": f"{ROOT_URI}#/shapes/{body['shape']}"} if body else None,
            root,
            f".{name}" if prefix else "",
        )


def _shape(shape: Mapping[str, Any]) -> dict[str, Any]:
    def ref(one: Mapping[str, Any]) -> dict[str, Any]:
        return {"$ref": f"{ROOT_URI}#/shapes/{one['shape']}"}

    match shape["type"]:
        case "structure":
            members = {name: ref(one) for name, one in shape["members"].items()}
            return {"type": "object", "properties": members, "required": shape.get("required", [])}
        case "list":
            return {"type": "array", "items": ref(shape["member"])}
        case "map":
            return {"type": "object", "additionalProperties": ref(shape["value"])}
    kind = SCALARS.get(shape["type"])
    return {"type": kind} if kind and kind != "string" else {}


def _odata(path: Path) -> Iterator[Operation]:
    """Entity sets of an OData service."""
    tree = etree.parse(path, etree.XMLParser(no_network=True, resolve_entities=False))
    types = {}
    for schema in tree.iterfind(".//{*}Schema"):
        for kind in (*schema.iterfind("{*}EntityType"), *schema.iterfind("{*}ComplexType")):
            types[f"{schema.get('Namespace')}.{kind.get('Name')}"] = kind
    ends = _ends(tree)
    root = {"types": {name: _entity(kind, types, ends) for name, kind in types.items()}}
    options = ("$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count", "$format", "$inlinecount")
    for entity_set in tree.iterfind(".//{*}EntitySet"):
        name, kind = entity_set.get("Name"), entity_set.get("EntityType")
        body = {"$ref": f"{ROOT_URI}#/types/{kind}"} if kind in types else {}
        for method, end in (("GET", r"(\([^/]*\))?"), ("POST", ""), ("PATCH", r"\([^/]*\)"), ("PUT", r"\([^/]*\)")):
            pattern = re.compile(rf"/{name}{end}/?$")
            yield Operation(method, pattern, frozenset(options), frozenset(), body if method != "GET" else None, root)


def _ends(tree: Any) -> dict[tuple[str, str], tuple[str, bool]]:
    """Where the navigation of OData 2 leads: association and role -> type, and whether there are many."""
    found = {}
    for schema in tree.iterfind(".//{*}Schema"):
        for association in schema.iterfind("{*}Association"):
            for end in association.iterfind("{*}End"):
                key = (f"{schema.get('Namespace')}.{association.get('Name')}", end.get("Role"))
                found[key] = (end.get("Type"), end.get("Multiplicity") == "*")
    return found


def _entity(kind: Any, types: Mapping[str, Any], ends: Mapping[tuple[str, str], tuple[str, bool]]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for one in kind.iterfind("{*}Property"):
        properties[one.get("Name")] = _edm(one.get("Type"), types)
    for one in kind.iterfind("{*}NavigationProperty"):
        told, many = one.get("Type"), False
        if told is None:
            told, many = ends.get((one.get("Relationship"), one.get("ToRole")), ("", False))
        inner = _edm(told, types)
        listed = {"type": "array", "items": inner}
        properties[one.get("Name")] = {"anyOf": [listed, {"properties": {"results": listed}}]} if many else inner
    return {"type": "object", "properties": properties}


def _edm(told: str, types: Mapping[str, Any]) -> dict[str, Any]:
    if match := re.fullmatch(r"Collection\((.*)\)", told or ""):
        return {"type": "array", "items": _edm(match.group(1), types)}
    if told in types:
        return {"$ref": f"{ROOT_URI}#/types/{told}"}
    kind = TYPES.get(told)
    return {"type": [kind, "null"]} if kind else {}
