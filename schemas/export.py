"""The event's JSON Schema, for producers: `python -m schemas.export` writes it beside this file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from schemas.decode import MAX_TIME
from schemas.event import MAX_RECORD_BYTES, Event

FILE: Final = Path(__file__).with_name("event.schema.json")

_ABOUT: Final = ("description", "examples", "default")


def event_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what `schemas.decode` accepts, as far as one can say it."""
    schema = msgspec.json.schema(Event)["$defs"]["Event"]
    properties: dict[str, Any] = schema["properties"]
    for name, said in properties.items():
        if name not in schema["required"]:
            about = {key: said.pop(key) for key in _ABOUT if key in said}
            kinds = said.get("anyOf", [said])
            kinds = [kind for kind in kinds if kind != {"type": "null"}]
            properties[name] = about | {"anyOf": [*kinds, {"type": "null"}]}
    for kind in properties["time"]["anyOf"]:
        if kind["type"] == "integer":
            kind |= {"minimum": 0, "maximum": MAX_TIME}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Social event, schema v1",
        "description": (
            "One record on social.events: UTF-8 JSON of at most "
            f"{MAX_RECORD_BYTES} bytes. Fields that are not named here are kept with the event and ignored."
        ),
        "type": "object",
        "properties": properties,
        "required": schema["required"],
        "if": {"properties": {"type": {"const": "undo"}}, "required": ["type"]},
        "then": {"properties": {"undo_of": {"type": "string", "minLength": 1}}, "required": ["undo_of"]},
    }


def schema_text() -> str:
    """Return the schema as the file has it."""
    return json.dumps(event_schema(), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the schema."""
    FILE.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
