"""docs/engine-protocol.md against the schema: every field of every command and event, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from farm_engine.protocol.schema import protocol_document

PAGE = (Path(__file__).parents[4] / "docs" / "engine-protocol.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([^`]+)` \| (.*?) \|", re.MULTILINE)
SECTIONS = dict(re.findall(r"^### `([^`]+)`\n(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL))
MESSAGES = [
    pytest.param(schema, SECTIONS.get(name, ""), id=name)
    for direction in ("commands", "events")
    for name, schema in protocol_document()[direction].items()
]


def fields(schema: dict[str, Any], before: str = "", *, optional: bool = False) -> dict[str, tuple[dict, bool]]:
    """Every field that holds a value, by its place, and whether it may be absent."""
    found = {}
    for name, inner in schema.get("properties", {}).items():
        place, absent = f"{before}{name}", optional or name not in schema["required"]
        inside = fields(inner, f"{place}.", optional=absent)
        items = fields(inner.get("items", {}), f"{place}[].", optional=absent)
        found |= inside or {place: (inner, absent)} | items
    return found


@pytest.mark.parametrize("schema, section", MESSAGES)
def test_every_field_is_documented_and_none_that_is_not_there(schema, section):
    assert [name for name, _ in ROW.findall(section)] == list(fields(schema))


@pytest.mark.parametrize("schema, section", MESSAGES)
def test_types_limits_and_what_may_be_absent_are_documented(schema, section):
    documented = dict(ROW.findall(section))
    for place, (field, optional) in fields(schema).items():
        words = documented[place]
        assert ("optional" in words) == optional, place
        values = [field["const"]] if "const" in field else field.get("enum", [])
        assert re.findall(r"`([a-z0-9-]+)`", words) == values or place == "renderId", place
        if field.get("type") in ("integer", "number"):
            assert words.startswith(field["type"]), place
            small = [str(field[key]) for key in ("minimum", "maximum") if 0 <= field.get(key, -1) <= 4096]
            limits = [limit for limit in small if "multipleOf" not in field or "maximum" in field and limit != "12"]
            assert all(re.search(rf"\b{limit}\b", words) for limit in limits), place
            assert "multipleOf" not in field or f"a multiple of {field['multipleOf']}" in words, place
        if field.get("minLength"):
            assert "path" in words, place
        assert ("null" in words) == ("anyOf" in field), place
