"""The rules file: TOML in, rules out, or everything that is wrong with it at once, each with file, line and a
hint.

    [[campaign]]
    id = "coffee-2024"
    kind = "contest"
    start = 2024-05-01T00:00:00Z
    end = 2024-06-01T00:00:00Z
    hashtags = ["coffee"]

The keys are the fields of the structs in `streams.campaigns.rule`; where a list is meant, one word will do,
and its key may stand in the singular (`venue = "x"`). Times need an offset. Hashtags may have their sign,
case does not matter.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

import msgspec

from schemas.decode import MAX_TIME
from streams.campaigns.lines import lines_of
from streams.campaigns.problem import Problem, meant
from streams.campaigns.rule import KINDS, MAX_CAMPAIGNS, MAX_CAP, Caps, Disclosure, Mayor, Rule
from streams.subject import DAY

MAX_FILE: Final = 1 << 20
SINGULAR: Final = {
    "hashtag": "hashtags",
    "venue": "venues",
    "network": "networks",
    "language": "languages",
    "meme": "memes",
}
"""Other words for keys, for who has but one."""

_TAG: Final = re.compile(r"\w*[^\W\d_]\w*")
_PART_OF: Final = {field: kind for kind, rule in KINDS.items() for field in rule.__struct_fields__}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Where = tuple[str | int, ...]
Ids = dict[str, tuple[str, Where]]
"""Ids of campaigns, each with the file and place where it stands."""


def load_rules(path: Path) -> tuple[Rule, ...] | list[Problem]:
    """Return the rules in the file, or in the `.toml` files of the folder, `path`; or all that is wrong with
    them.
    """
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        return [Problem(str(path), 0, "there is no .toml file in this folder")]
    rules: list[Rule] = []
    problems: list[Problem] = []
    known: Ids = {}
    for file in files:
        try:
            raw = file.read_bytes()
        except OSError as error:
            problems.append(Problem(str(file), 0, f"cannot be read: {error.strerror}"))
            continue
        found, wrong = parse_rules(raw, str(file), known)
        rules += found
        problems += wrong
    return problems or tuple(rules)


def parse_rules(raw: bytes, file: str, known: Ids | None = None) -> tuple[list[Rule], list[Problem]]:
    """Return the rules in `raw` that are sound, and the problems of the others; `file` is what to call it.

    `known` has the ids of campaigns so far, each with where it stands, and takes in those of this file.
    """
    reader = _Reader(file, {} if known is None else known)
    if len(raw) > MAX_FILE:
        return [], [Problem(file, 0, f"{len(raw)} bytes; at most {MAX_FILE} are read")]
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return [], [Problem(file, line, f"not UTF-8: byte 0x{raw[error.start]:02x}")]
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return [], [_syntax(file, text, str(error))]
    rules = reader.read(document)
    if not reader.found and not reader.twice:
        return rules, []
    lines = lines_of(text)
    problems = [Problem(file, _line(lines, where), says) for where, says in reader.found]
    for where, id, first in reader.twice:
        at = f"on line {_line(lines, first[1])}" if first[0] == file else f"in {first[0]}"
        problems.append(Problem(file, _line(lines, where), f"id {id!r} is used before, {at}; ids must differ"))
    return rules, sorted(problems, key=lambda problem: problem.line)


def _syntax(file: str, text: str, says: str) -> Problem:
    """Return the problem of a file that is no TOML; the parser names the line at the end of its message."""
    at = re.search(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$", says)
    if at is None:
        return Problem(file, 0, says)
    line = int(at[1]) if at[1] else text.count("\n") + 1
    column = f", column {at[2]}" if at[2] else ""
    return Problem(file, line, f"not TOML{column}: {says[: at.start()]}")


def _line(lines: Mapping[Where, int], where: Where) -> int:
    """Return the line of what is nearest to `where`: itself, or what it belongs to."""
    while where and where not in lines:
        where = where[:-1]
    return lines.get(where, 0)


class _Reader:
    """Turns a document into rules and collects what is wrong, by where it is wrong."""

    def __init__(self, file: str, known: Ids) -> None:
        self.file = file
        self.known = known
        self.found: list[tuple[Where, str]] = []
        self.twice: list[tuple[Where, str, tuple[str, Where]]] = []

    def read(self, document: Mapping[str, Any]) -> list[Rule]:
        """Return the sound rules of a document."""
        for key in document:
            if key != "campaign":
                hint = "each campaign begins with a line [[campaign]]"
                self.found.append(((key,), f"`{key}` is not known at the top of the file; {hint}"))
        tables = document.get("campaign", [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self.found.append((("campaign",), "write [[campaign]], in double brackets: there may be several"))
            return []
        if len(tables) > MAX_CAMPAIGNS:
            self.found.append((("campaign",), f"{len(tables)} campaigns; at most {MAX_CAMPAIGNS} can be in force"))
            return []
        rules = [self._rule(("campaign", number), table) for number, table in enumerate(tables)]
        return [rule for rule in rules if rule is not None]

    def _rule(self, where: Where, table: dict[str, Any]) -> Rule | None:
        """Return the rule in `table`, or None if anything is wrong with it."""
        before = len(self.found) + len(self.twice)
        self._id((*where, "id"), table.get("id"))
        kind = table.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            hint = meant(kind, KINDS) if isinstance(kind, str) else "known are: " + ", ".join(KINDS)
            what = "`kind` is missing" if kind is None else f"kind {kind!r} is not known"
            self.found.append(((*where, "kind"), f"{what}; {hint}"))
            return None
        struct = KINDS[kind]
        hints = get_type_hints(struct, include_extras=True)
        values: dict[str, Any] = {}
        for key, value in table.items():
            field = SINGULAR.get(key, key)
            if key == "kind":
                continue
            if field not in struct.__struct_fields__:
                self.found.append(((*where, key), f"`{key}` is not known; {self._hint(key, struct)}"))
            elif field in values:
                self.found.append(((*where, key), f"`{field}` is there in singular and plural; keep one of them"))
            else:
                values[field] = self._value((*where, key), field, value, hints[field], struct)
        required = {field.name for field in msgspec.structs.fields(struct) if field.required}
        for name in sorted(required - values.keys()):
            self.found.append((where, f"`{name}` is missing: a {kind} needs it"))
        self._times(where, values.get("start"), values.get("end"))
        if any(value is None for value in values.values()) or not required <= values.keys():
            return None
        rule = struct(**values)
        self._check(where, rule)
        return rule if len(self.found) + len(self.twice) == before else None

    def _id(self, where: Where, id: Any) -> None:
        """Note where an id stands, and say so if it is not the first time."""
        if isinstance(id, str) and id:
            first = self.known.setdefault(id, (self.file, where))
            if first != (self.file, where):
                self.twice.append((where, id, first))

    def _times(self, where: Where, start: int | None, end: int | None) -> None:
        """Say so if a campaign ends before it begins."""
        if start is not None and end is not None and end <= start:
            self.found.append(((*where, "end"), "`end` is not after `start`: it would never run"))

    def _hint(self, key: str, struct: type[Rule]) -> str:
        """Return what could be meant by an unknown `key`."""
        owner = _PART_OF.get(SINGULAR.get(key, key))
        if owner is not None:
            return f"it belongs to the kind `{owner}`"
        if key in Caps.__struct_fields__:
            return "it belongs into [campaign.caps]"
        return meant(key, [*struct.__struct_fields__, *SINGULAR])

    def _value(self, where: Where, field: str, value: Any, hint: Any, struct: type[Rule]) -> Any:
        """Return the value of a field as its type wants it; if it cannot be, say so and return None."""
        if field in ("start", "end"):
            return self._instant(where, field, value)
        if field == "caps":
            own = f"a {struct.__struct_config__.tag}"
            return self._part(where, Caps, value, struct.own_caps, f"has no meaning for {own}")
        if field == "disclosure":
            return self._part(where, Disclosure, value, frozenset(Disclosure.__struct_fields__), "")
        if str(hint).startswith("tuple") and isinstance(value, str):
            value = [value]
        if field == "hashtags":
            return self._tags(where, field, value)
        return self._converted(where, field, value, hint)

    def _converted(self, where: Where, name: str, value: Any, hint: Any) -> Any:
        """Return `value` as type `hint` wants it; if it cannot be, say so and return None."""
        try:
            return msgspec.convert(value, type=hint, strict=True)
        except msgspec.ValidationError as error:
            says = re.sub(r" - at `.*`$", "", str(error))
            if "enum" in says:
                wrong = re.sub(r"^.* '(.*)'$", r"\1", says)
                says = f"{wrong!r} is not known; {meant(wrong, _choices(hint))}"
            elif "regex" in says:
                says = f"{_short(value)} is not made of letters, digits, `.`, `_` and `-` alone"
            else:
                says = re.sub(r"`int(?: \| null)?`", "a whole number", f"{says[0].lower()}{says[1:]}: {_short(value)}")
            self.found.append((where, f"`{name}`: {says}"))
            return None

    def _instant(self, where: Where, field: str, value: Any) -> int | None:
        """Return epoch ms."""
        if isinstance(value, datetime) and value.tzinfo is not None:
            at = (value - _EPOCH) // timedelta(milliseconds=1)
            if 0 <= at <= MAX_TIME:
                return at
            self.found.append((where, f"`{field}`: {value.isoformat()} is before 1970 or after 2105"))
        elif isinstance(value, datetime | date | time):
            example = f"{value.isoformat()}Z" if isinstance(value, datetime) else "2024-05-01T00:00:00Z"
            self.found.append((where, f"`{field}`: {value.isoformat()} needs a time with an offset, as {example}"))
        else:
            hint = "without quotes, as 2024-05-01T00:00:00Z"
            self.found.append((where, f"`{field}`: {_short(value)} is not a time; write it {hint}"))
        return None

    def _part(self, where: Where, part: type[Any], value: Any, own: frozenset[str], why: str) -> Any:
        """Return a struct within a rule."""
        name = str(where[-1])
        if not isinstance(value, dict):
            self.found.append((where, f"`{name}` is a table: [campaign.{name}] with {', '.join(sorted(own))}"))
            return None
        values: dict[str, Any] = {}
        hints = get_type_hints(part, include_extras=True)
        before = len(self.found)
        for key, given in value.items():
            if key not in part.__struct_fields__:
                self.found.append(((*where, key), f"`{name}.{key}` is not known; {meant(key, own)}"))
            elif key not in own:
                self.found.append(((*where, key), f"`{name}.{key}` {why}"))
            elif key == "tags":
                values[key] = self._tags((*where, key), f"{name}.{key}", given)
            else:
                values[key] = self._converted((*where, key), f"{name}.{key}", given, hints[key])
        return part(**values) if len(self.found) == before else None

    def _tags(self, where: Where, field: str, value: Any) -> tuple[str, ...] | None:
        """Return hashtags casefolded and without their sign."""
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(tag, str) for tag in values):
            self.found.append((where, f"`{field}`: a list of words is expected: {_short(value)}"))
            return None
        found: dict[str, None] = {}
        for tag in values:
            bare = tag.lstrip("#＃").casefold()
            if _TAG.fullmatch(bare):
                found[bare] = None
            else:
                better = "".join(re.findall(r"\w+", tag))
                hint = f"; did you mean {better!r}?" if _TAG.fullmatch(better) else ""
                why = "letters, digits and _ only, and not digits alone"
                self.found.append((where, f"`{field}`: {_short(tag)} is not a hashtag ({why}){hint}"))
        return tuple(found)

    def _check(self, where: Where, rule: Rule) -> None:
        """Say what is wrong with a rule as a whole."""
        if isinstance(rule, Mayor):
            if not rule.venues:
                self.found.append((where, '`venues` is missing: a mayor needs it ("*" for all venues)'))
            if rule.min_days > rule.window_days:
                says = f"`min_days` {rule.min_days} can never be reached in `window_days` {rule.window_days}"
                self.found.append(((*where, "min_days"), says))
        caps = rule.caps
        if caps.per_day is not None and caps.total is None:
            days = -(-(rule.end - rule.start) // DAY) + 1
            if days * caps.per_day > MAX_CAP:
                says = f"`caps.per_day` over {days} days makes more than {MAX_CAP}; set `caps.total` as well"
                self.found.append(((*where, "caps", "per_day"), says))


def _choices(hint: Any) -> list[str]:
    """Return the words that a type made of literals allows."""
    if isinstance(hint, str):
        return [hint]
    return [word for part in get_args(hint) if part is not Ellipsis for word in _choices(part)]


def _short(value: Any) -> str:
    """Return `value` for people, not too long."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
