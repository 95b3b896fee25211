"""A stack that asks everybody who they are: Kafka over TLS with SCRAM and ACLs, ClickHouse with users behind TLS.

Users, ACLs and grants are those that `juice access` prints, and no others.
"""

from __future__ import annotations

import hashlib
import os
import re
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from infra import stack as local
from infra.settings import load
from infra.stack import StackInfo
from streams.operations.access import Role, hash_variable, roles, users_file
from tests.harness import Installation
from tests.proxy import Proxy

MECHANISM = "SCRAM-SHA-512"
DATABASE, NAMESPACE = "juice_closed", "closed."
ROLES = {role.name: role for role in roles(load({"JUICE_DATABASE": DATABASE, "JUICE_NAMESPACE": NAMESPACE}))}


def secret(role: str) -> str:
    """Return the password of a role, in Kafka and in ClickHouse: nothing else looks like it."""
    return hashlib.sha256(f"of {role}".encode()).hexdigest()[:24]


class Closed(Installation):
    """An installation on that stack: each process logs in with a user of its own and checks who it talks to."""

    def __init__(self, stack: StackInfo, folder: Path, clickhouse: str, ca: Path) -> None:
        self.ca, self.secrets = ca, folder / "secrets"
        common = {
            "clickhouse": clickhouse,
            "namespace": NAMESPACE,
            "database": DATABASE,
            "kafka_security": "SASL_SSL",
            "kafka_mechanism": MECHANISM,
            "kafka_ca": str(ca),
            "clickhouse_ca": str(ca),
            "log_level": "debug",
        }
        super().__init__(stack, folder, **common, **self.login("operator"))

    def login(self, role: str) -> dict[str, str]:
        """Return the settings of one who is this role."""
        return {
            "kafka_user": f"juice-{role}",
            "kafka_password_file": str(self.secrets / f"kafka_{role}"),
            "clickhouse_user": f"juice_{role}",
            "clickhouse_password_file": str(self.secrets / f"clickhouse_{role}"),
        }


def acls(role: Role) -> list[ACL]:
    """Return the ACLs of a role as the admin client wants them."""
    found = []
    for right in role.kafka:
        pattern = ACLResourcePatternType.PREFIXED if right.prefixed else ACLResourcePatternType.LITERAL
        resource = ResourcePattern(ResourceType[right.kind.upper()], right.name, pattern)
        for operation in right.operations:
            code = ACLOperation[re.sub(r"(?<!^)(?=[A-Z])", "_", operation).upper()]
            found.append(ACL(f"User:juice-{role.name}", "*", code, ACLPermissionType.ALLOW, resource))
    return found


def users_xml() -> str:
    """Return the users file that containers have, for this database; `default` does no more than keep the server up."""
    listens = "<grants><query>GRANT SYSTEM LISTEN ON *.*</query></grants></default>"
    return users_file(tuple(ROLES.values())).replace("</default>", listens)


def hashes(folder: Path) -> dict[str, str]:
    """Return what the containers' entry point makes of the files with passwords in `folder`."""
    script = Path(__file__).parents[2] / "infra" / "containers" / "clickhouse.sh"
    command = ["bash", str(script), "env", "-0"]
    done = subprocess.run(
        command, env={**os.environ, "SECRETS": str(folder)}, capture_output=True, text=True, check=True
    )
    pairs = dict(line.split("=", 1) for line in done.stdout.split("\0") if line)
    return {hash_variable(role.name): pairs[hash_variable(role.name)] for role in ROLES.values() if role.clickhouse}


@dataclass(frozen=True)
class Authority:
    """An authority made for this session, and what it signed for the servers on loopback."""

    ca: Path
    keystore: Path
    context: ssl.SSLContext

    @classmethod
    def made(cls, folder: Path) -> Authority:
        """Make one in `folder`."""
        folder.mkdir()
        authority = trustme.CA()
        certificate = authority.issue_cert("localhost", "127.0.0.1")
        authority.cert_pem.write_to_path(folder / "ca.pem")
        key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # Kafka reads no other form
        (folder / "server.pem").write_bytes(pem + b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return cls(folder / "ca.pem", folder / "server.pem", context)


def kafka_properties(authority: Authority) -> Mapping[str, str]:
    """Return what makes a broker ask: clients log in over TLS and may do what ACLs say."""
    return {
        "listener.security.protocol.map": "CLIENT:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "listener.name.client.sasl.enabled.mechanisms": MECHANISM,
        f"listener.name.client.{MECHANISM.lower()}.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "listener.name.client.ssl.keystore.type": "PEM",
        "listener.name.client.ssl.keystore.location": str(authority.keystore),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",  # brokers among themselves, on listeners of their own
    }


def admit(info: StackInfo) -> None:
    """Make Kafka's users and their ACLs."""
    admin = KafkaAdminClient(bootstrap_servers=info.kafka_internal)
    mechanism = ScramMechanism.SCRAM_SHA_512
    refused = admin.alter_user_scram_credentials(
        [UserScramCredentialUpsertion(f"juice-{role}", mechanism, secret(role)) for role in ROLES]
    )
    assert not any(refused.values()), refused
    made = admin.create_acls([acl for role in ROLES.values() for acl in acls(role)])
    assert not made["failed"], made
    admin.close()


@contextmanager
def closed_stack(folder: Path) -> Iterator[Closed]:
    """Give the installation, migrated by its operator, on a stack of its own."""
    authority = Authority.made(folder / "certificates")
    users, home, secrets = folder / "users.xml", folder / "home", folder / "secrets"
    users.write_text(users_xml())
    secrets.mkdir()
    for role in ROLES:
        for server in ("kafka", "clickhouse"):
            (secrets / f"{server}_{role}").write_text(secret(role) + "\n")
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in hashes(secrets).items():
                patch.setenv(name, value)
            info = local.up(
                home,
                kafka_port=0,
                clickhouse_port=0,
                kafka_properties=kafka_properties(authority),
                clickhouse_users=users,
            )
        admit(info)
        with Proxy(int(info.clickhouse.rpartition(":")[2]), context=authority.context) as terminator:
            here = Closed(info, folder, f"https://localhost:{terminator.port}", authority.ca)
            try:
                yield here
            finally:
                here.close()
    finally:
        local.down(home, wipe=True)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Return everything a command printed."""
    return done.stdout + done.stderr
