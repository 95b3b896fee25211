"""Forgetting an account: the request into the stream, and what is done in ClickHouse when the stream has forgotten.

What is the account's own is deleted. What is others' as well stays without the name: an event keeps that something
happened to somebody, a title that somebody held it. So nobody else's numbers change, and the audit stays exact.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Final, NamedTuple

from infra.database import Client
from infra.kafka import broker_of
from infra.settings import Settings
from schemas.wire import UNHEARD, Decoded, Erasure, encode
from streams.names import Names
from streams.replay.publish import Publisher


class Change(NamedTuple):
    """What is done to the rows of a storage table that `where` finds; without `become` they are deleted."""

    table: str
    where: str
    become: str = ""


_TITLED: Final = "arrayExists(t -> t.1 = {account:String}, titles)"
_CHAINED: Final = "campaign IN (SELECT campaign FROM {db:Identifier}.campaigns WHERE kind IN ('referral', 'tag_chain'))"
_WORD: Final = "concat('(^|[^\\\\w])', regexpQuoteMeta({account:String}), '($|[^\\\\w])')"
_OWN_SHARE: Final = "type IN ('share', 'quote') AND actor = {account:String} AND object_author = {account:String}"
_CALLED: Final = "match(text, concat('(?i)[@＠]', regexpQuoteMeta({account:String}), '($|[^\\\\w])'))"

CHANGES: Final = (
    Change("account_panes", "account = {account:String}"),
    Change("account_scores", "account = {account:String}"),
    Change("page_ranks", "account = {account:String}"),
    Change("ties", "source = {account:String} OR target = {account:String}"),
    Change("campaign_points", "account = {account:String}"),
    Change("campaign_points", "scope = {account:String} AND " + _CHAINED),
    Change("campaign_entries", "account = {account:String}"),
    Change(
        "campaign_entries",
        "actor = {account:String} OR has(splitByChar(' ', unit), {account:String})",
        "actor = if(actor = {account:String}, {stand_in:String}, actor), unit = arrayStringConcat("
        "arrayMap(who -> if(who = {account:String}, {stand_in:String}, who), splitByChar(' ', unit)), ' ')",
    ),
    Change("campaign_links", "member = {account:String}"),
    Change("campaign_links", "sponsor = {account:String}", "sponsor = {stand_in:String}"),
    Change("campaign_signals", "account = {account:String}"),
    Change("campaign_signals", f"match(evidence, {_WORD})", "evidence = ''"),
    Change("rewards", "account = {account:String}"),
    Change("rewards", "which = {account:String} AND " + _CHAINED, "which = {stand_in:String}"),
    Change(
        "venue_titles",
        _TITLED,
        "titles = arrayMap(t -> (if(t.1 = {account:String}, {stand_in:String}, t.1), t.2, t.3, t.4), titles)",
    ),
    Change("cascade_episodes", "author = {account:String}", "author = {stand_in:String}"),
    Change("dead_letters", f"match(tryBase64Decode(record), {_WORD})", "record = ''"),
    Change(
        "events",
        "actor = {account:String} OR object_author = {account:String} OR has(targets, {account:String})"
        f" OR has(mentioned, {{account:String}}) OR position(raw, toJSONString({{account:String}})) > 0 OR {_CALLED}",
        "actor_followers = if(actor = {account:String}, NULL, actor_followers),"
        " actor_following = if(actor = {account:String}, NULL, actor_following),"
        f" object = if({_OWN_SHARE}, '', object), root = if({_OWN_SHARE}, '', root), parent = if({_OWN_SHARE}, '', parent),"
        " urls = if(actor = {account:String}, [], urls),"
        f" text = if(actor = {{account:String}} OR {_CALLED}, '', text),"
        " object_author = if(object_author = {account:String}, '', object_author),"
        " targets = arrayMap(who -> if(who = {account:String}, '', who), targets),"
        " mentioned = arrayMap(who -> if(who = {account:String}, '', who), mentioned),"
        " raw = '', actor = if(actor = {account:String}, '', actor)",
    ),
)
"""In the order in which they are made: those that look into other tables come before these change."""


def stand_in() -> str:
    """Return a name for somebody who has none any more; nothing says whose it was."""
    return f"forgotten-{secrets.token_hex(6)}"


def ask(settings: Settings, erasure: Erasure, partitions: int) -> None:
    """Send the request to every accept partition; raise KafkaUnreachable."""
    kafka, names = broker_of(settings), Names.of(settings)
    message = encode(Decoded(0, 0, 0, UNHEARD, UNHEARD, erasures=(erasure,)))
    with Publisher(settings, kafka, names.decoded) as publisher:
        for partition in range(partitions):
            publisher.send(partition, message)
        publisher.finish()


def clean(client: Client, database: str, account: str, instead: str) -> Iterator[tuple[str, str, int]]:
    """Change ClickHouse; yield table, what was done, and with how many rows. Repeating it does no harm."""
    given = {"db": database, "account": account, "stand_in": instead}
    for change in CHANGES:
        asked = given | {"table": f"{change.table}_store"}
        found = client.query(
            f"SELECT count() FROM {{db:Identifier}}.{{table:Identifier}} WHERE {change.where}",  # noqa: S608  constants
            parameters=asked,
        ).result_rows[0][0]
        if found:
            how = f"UPDATE {change.become}" if change.become else "DELETE"
            client.command(
                f"ALTER TABLE {{db:Identifier}}.{{table:Identifier}} {how} WHERE {change.where}",
                parameters=asked,
                settings={"mutations_sync": 2},
            )
        yield change.table, "without the name" if change.become else "deleted", found


def out_of_reach(names: Names) -> list[str]:
    """Return what still holds the name, a line each."""
    passing = f"{names.decoded}, {names.routed}, {names.rows}"
    return [
        f"{names.events}: the records as they were sent, as long as that topic keeps them",
        f"{names.dead_letters}, {names.rewards}: kept for ever unless you set retention.ms on them",
        f"{passing}: three days",
        "changelogs: until Kafka compacts them, a day or more",
        "ClickHouse's own records of what it did (system.mutations, query_log): as long as its settings say",
        "ids of posts, events and venues that contain the name, backups, and what others wrote of it without an @",
    ]
