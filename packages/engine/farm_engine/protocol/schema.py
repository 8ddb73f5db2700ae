"""The engine protocol as data: validators made from the JSON Schema that the contracts package writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

import fastjsonschema


@cache
def protocol_document() -> dict[str, Any]:
    """`{"protocolVersion": 2, "commands": {type: schema}, "events": {type: schema}}`."""
    text = resources.files(__package__).joinpath("engine-protocol.schema.json").read_text(encoding="utf-8")
    return json.loads(text)


@cache
def _validator(direction: str, message_type: str) -> Callable[[Any], Any]:
    schemas = protocol_document()[direction]
    if message_type not in schemas:
        raise ValueError(f"unknown type '{message_type}', expected one of {', '.join(schemas)}")
    return fastjsonschema.compile(schemas[message_type], use_default=False)


def check_message(direction: str, message: Any) -> None:
    """Check one protocol message. `direction` is `commands` or `events`. Raises ValueError that names the field."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise ValueError('expected a JSON object with a "type"')
    try:
        _validator(direction, message["type"])(message)
    except fastjsonschema.JsonSchemaValueException as error:
        raise ValueError(error.message.replace("data.", "").replace("data ", "the object ")) from None
    _check_integers(protocol_document()[direction][message["type"]], message, "the object")


def _check_integers(schema: dict[str, Any], value: Any, place: str) -> None:
    """JSON Schema takes 64.0 for an integer; code that counts or indexes with it fails later and elsewhere."""
    if schema.get("type") == "integer" and isinstance(value, float):
        raise ValueError(f"{place} must be an integer, but is written as {value}")
    for name, inner in schema.get("properties", {}).items():
        if name in value:
            _check_integers(inner, value[name], name if place == "the object" else f"{place}.{name}")
    if "items" in schema:
        for index, item in enumerate(value):
            _check_integers(schema["items"], item, f"{place}[{index}]")
