"""No value ever gets into the text of a statement: what people send is bound by the server, as a parameter."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path
    for folder in ("streams", "sinks", "infra")
    for path in (ROOT / folder).rglob("*.py")
    if path.parts[len(ROOT.parts) :][:2] not in (("infra", "bench"), ("infra", "grafana"))
)
"""All that talks to ClickHouse. The bench talks to servers of its own; dashboards are texts that Grafana fills in."""
STATEMENT = re.compile(
    r"\b(SELECT\s.+|INSERT\s+INTO\b|ALTER\s+TABLE\b|CREATE\s+(OR\s+REPLACE\s+)?(TABLE|VIEW|DATABASE)\b|DROP\s+(TABLE|VIEW|DATABASE)\b"
    r"|DELETE\s+FROM\b|UPDATE\s.+\sSET\b|GRANT\s.+\sON\b)",
    re.DOTALL,
)
NAMES = {
    "infra/database.py": ...,  # the schema, put together from declarations; nothing that anybody sends comes near it
    "streams/operations/forgetting.py": {"how", "change.where"},  # from constants; the account is a parameter
    "streams/operations/access.py": {"database", "table.store", "table"},  # printed for people, never sent
}
"""What may stand in a statement, by file: names from our own declarations. Everything else is a parameter."""


def text_of(node: ast.expr) -> str:
    """Return the constant parts of a string expression, gaps for the rest."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) if isinstance(part, ast.Constant) else " ? " for part in node.values)
    if isinstance(node, ast.BinOp):
        return text_of(node.left) + " ? " + text_of(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return text_of(node.func.value)
    return ""


def fillings(node: ast.expr) -> Iterator[str]:
    """Yield the source of everything that is put into a string expression that looks like a statement."""
    if not STATEMENT.search(text_of(node)):
        return
    if isinstance(node, ast.JoinedStr):
        yield from (ast.unparse(part.value) for part in node.values if isinstance(part, ast.FormattedValue))
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        yield ast.unparse(node.right)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        for side in (node.left, node.right):
            if not isinstance(side, (ast.Constant, ast.JoinedStr)) and not ast.unparse(side).isupper():
                yield ast.unparse(side)
    elif (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "replace")
    ):
        yield from (ast.unparse(argument) for argument in node.args[node.func.attr == "replace" :])
        yield from (ast.unparse(keyword.value) for keyword in node.keywords)


def found(source: str) -> set[str]:
    """Return everything that a file puts into statements."""
    return {what for node in ast.walk(ast.parse(source)) if isinstance(node, ast.expr) for what in fillings(node)}


def test_statements_hold_names_of_our_own_and_nothing_else() -> None:
    """Whatever is put into a statement's text is a declared name; values are bound."""
    for path in SOURCES:
        name = str(path.relative_to(ROOT))
        if (allowed := NAMES.get(name, set())) is not ...:
            assert found(path.read_text()) == allowed, name


def test_the_lint_sees_what_it_is_for() -> None:
    """Every way of putting a value into a statement is seen, and a bound parameter is not taken for one."""
    ways = (
        "f\"SELECT * FROM t WHERE a = '{account}'\"",
        "\"SELECT * FROM t WHERE a = '%s'\" % account",
        "\"SELECT * FROM t WHERE a = '{}'\".format(account)",
        "\"SELECT * FROM t WHERE a = 'X'\".replace('X', account)",
        '"ALTER TABLE t DELETE WHERE a = \'" + account',
    )
    assert [found(way) for way in ways] == [{"account"}] * len(ways)
    assert found("query('SELECT * FROM t WHERE a = {account:String}', parameters={'account': account})") == set()
