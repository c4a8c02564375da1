"""Whether a reader of a new schema can read what was written under an old one (BACKWARD, for each older version).

The answer is a list of sentences, empty when it can. Covered: types, required fields, enums, patterns, lengths,
bounds, arrays, maps and unions, which is all that our messages use.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def unreadable(new: Schema, old: Schema) -> list[str]:
    """What a reader of `new` would refuse though `old` allows it; each sentence begins with the place."""
    return list(_Comparison(new, old).differences(new, old, ""))


class _Comparison:
    def __init__(self, new_root: Schema, old_root: Schema) -> None:
        self._new_root = new_root
        self._old_root = old_root
        self._under_way: set[tuple[str, str]] = set()

    def differences(self, new: Schema, old: Schema, place: str) -> list[str]:
        pair = (new.get("$ref", ""), old.get("$ref", ""))
        if all(pair):
            if pair in self._under_way:
                return []
            self._under_way.add(pair)
        new, old = _resolved(new, self._new_root), _resolved(old, self._old_root)
        if not new:
            return []
        if len(choices := _choices(old)) > 1 or len(_choices(new)) > 1:
            return self._union(_choices(new), choices, place)
        found = self._values(new, old, place)
        if not found and old.get("type") == "object":
            found = self._object(new, old, place)
        if not found and old.get("type") == "array":
            found = self.differences(new.get("items", {}), old.get("items", {}), f"{place}[]")
        return found

    def _union(self, new: list[Schema], old: list[Schema], place: str) -> list[str]:
        found = []
        for choice in old:
            if not any(not self.differences(candidate, choice, place) for candidate in new):
                kind = choice.get("type") or choice.get("$ref") or choice.get("const") or "a value"
                found.append(f"{place or 'value'}: {kind} is no longer accepted as it was")
        return found

    def _values(self, new: Schema, old: Schema, place: str) -> list[str]:
        found = []
        if "type" in new and new["type"] != old.get("type") and (new["type"], old.get("type")) != ("number", "integer"):
            found.append(f"{place or 'value'}: was {old.get('type')}, is now {new['type']}")
        if (allowed := _allowed(new)) is not None:
            gone = (_allowed(old) or {"anything"}) - allowed
            if gone:
                found.append(f"{place}: {', '.join(sorted(map(str, gone)))} is no longer accepted")
        for name in ("pattern", "format"):
            if name in new and new[name] != old.get(name):
                found.append(f"{place}: {name} is new or other")
        for name in ("maxLength", "maximum", "maxItems"):
            if name in new and new[name] < old.get(name, float("inf")):
                found.append(f"{place}: {name} was {old.get(name, 'open')}, is now {new[name]}")
        for name in ("minLength", "minimum", "minItems"):
            if name in new and new[name] > old.get(name, float("-inf")):
                found.append(f"{place}: {name} was {old.get(name, 'open')}, is now {new[name]}")
        return found

    def _object(self, new: Schema, old: Schema, place: str) -> list[str]:
        found = []
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in new.get("required", []):
            if name not in old.get("required", []):
                found.append(f"{place}.{name}: is required now, and was not")
        for name, schema in after.items():
            if name in before:
                found += self.differences(schema, before[name], f"{place}.{name}")
        if isinstance(values := new.get("additionalProperties"), dict) and isinstance(
            old.get("additionalProperties"), dict
        ):
            found += self.differences(values, old["additionalProperties"], f"{place}.*")
        return found


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema


def _choices(schema: Schema) -> list[Schema]:
    return schema.get("anyOf") or schema.get("oneOf") or [schema]


def _allowed(schema: Schema) -> set[Any] | None:
    if "const" in schema:
        return {schema["const"]}
    return set(schema["enum"]) if "enum" in schema else None
