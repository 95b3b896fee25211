"""The JSON Schema shipped for producers is that of the event, and says the same as the decoder."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.decode import Rejected, decode
from schemas.event import Event
from schemas.export import FILE, event_schema, schema_text
from tests.unit.schemas.records import LEAST

VALID = Draft202012Validator(event_schema())


def test_file_is_in_step() -> None:
    """The committed schema is what `python -m schemas.export` writes."""
    assert FILE.read_text(encoding="utf-8") == schema_text()


def test_schema_is_one() -> None:
    """The schema is a JSON Schema, describes every field, and its examples are valid."""
    Draft202012Validator.check_schema(event_schema())
    properties = event_schema()["properties"]
    assert tuple(properties) == Event.__struct_fields__
    for name, said in properties.items():
        assert said["description"].endswith(".")
        for example in said.get("examples", []):
            assert VALID.is_valid(LEAST | {name: example})


VALUES: st.SearchStrategy[Any] = (
    st.sampled_from(["", "a", "undo", "tag", "paid", "photo", "a" * 513, "a" * 65_537, "2012-07-04T12:00:00Z"])
    | st.sampled_from([0, -1, 5, 10**12, 10**12 + 1, 4_291_747_200_000, 1.5, True, False, None, {}])
    | st.lists(st.sampled_from(["a", "", "photo", "a" * 513, 1, None]), max_size=3)
    | st.sampled_from([["a"] * 256, ["a"] * 257, ["photo"] * 1001, ["a"] * 1001])
)


@settings(max_examples=400)
@given(st.dictionaries(st.sampled_from([*Event.__struct_fields__, "unknown"]), VALUES, max_size=3))
def test_schema_says_what_the_decoder_says(changes: dict[str, Any]) -> None:
    """An event is valid by the schema just where it is accepted, save for the form of time strings."""
    said = LEAST | changes
    if isinstance(said["time"], str):
        said["time"] = "2012-07-04T12:00:00Z"
    assert VALID.is_valid(said) == (not isinstance(decode(json.dumps(said).encode()), Rejected))


NASTY: list[Any] = ["", "a" * 513, "a" * 65_537, -1, 10**12 + 1, 1.5, True, None, [], [""], ["a"] * 1001, {}]


def test_every_limit_is_said() -> None:
    """Each field alone, at each nasty value, is judged alike by the schema and by the decoder."""
    for name in Event.__struct_fields__:
        for value in NASTY:
            said = LEAST | {name: value}
            if name == "time" and isinstance(value, str):
                continue
            refused = isinstance(decode(json.dumps(said).encode()), Rejected)
            assert VALID.is_valid(said) == (not refused), said
