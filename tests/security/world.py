"""A stack that asks everybody who they are: Kafka over TLS with SCRAM and ACLs, ClickHouse with users behind TLS.

Users, ACLs and grants are those that `juice access` prints, and no others.
"""

from __future__ import annotations

import hashlib
import re
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

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
from streams.access import Role, roles
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
        self.secrets.mkdir()
        for role in ROLES:
            (self.secrets / role).write_text(secret(role) + "\n")
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
            "kafka_password_file": str(self.secrets / role),
            "clickhouse_user": f"juice_{role}",
            "clickhouse_password_file": str(self.secrets / role),
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
    """Return ClickHouse's users file with one user for each role that has grants."""
    users = []
    for role in ROLES.values():
        if role.clickhouse:
            password = hashlib.sha256(secret(role.name).encode()).hexdigest()
            queries = "".join(f"<query>{escape(grant)}</query>" for grant in role.clickhouse)
            users.append(
                f"<juice_{role.name}><password_sha256_hex>{password}</password_sha256_hex>"
                "<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>"
                f"<grants>{queries}</grants></juice_{role.name}>"
            )
    return (
        "<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default><password/>"
        "<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>"
        "<grants><query>GRANT SYSTEM LISTEN ON *.*</query></grants></default>"
        f"{''.join(users)}</users></clickhouse>"
    )


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
    users, home = folder / "users.xml", folder / "home"
    users.write_text(users_xml())
    try:
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
