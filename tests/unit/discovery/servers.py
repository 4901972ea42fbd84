"""Real servers for the tests of sources, each a process of its own on this machine: MariaDB, and an S3 store."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import boto3
import pymysql
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def free_port() -> int:
    """A port that nobody listens at."""
    with closing(socket.socket()) as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@contextmanager
def mariadb(home: Path) -> Iterator[str]:
    """The address of a MariaDB or MySQL server that lives while the block does; the test is skipped where none is."""
    server = shutil.which("mariadbd") or shutil.which("mysqld") or shutil.which("mariadbd", path="/usr/sbin")
    install = shutil.which("mariadb-install-db") or shutil.which("mysql_install_db")
    if server is None or install is None:
        pytest.skip("no MariaDB or MySQL server on this machine")
    home.mkdir()
    data, door = home / "data", home / "s"
    port = free_port()
    who = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", *who],
        check=True,
        capture_output=True,
    )
    process = subprocess.Popen(
        [
            server, "--no-defaults", f"--datadir={data}", f"--socket={door}", *who, *_papers(home),
            "--bind-address=127.0.0.1", f"--port={port}",
            "--innodb-flush-log-at-trx-commit=0", f"--pid-file={home / 'pid'}", f"--log-error={home / 'log'}",
        ],
    )  # fmt: skip
    try:
        for _ in range(200):
            if door.exists():
                pymysql.connect(user="root", unix_socket=str(door)).close()
                break
            time.sleep(0.1)
        yield f"mysql://root@127.0.0.1:{port}/shop?unix_socket={door}"
    finally:
        process.terminate()
        process.wait()


def _papers(home: Path) -> list[str]:
    """Make a certificate for 127.0.0.1, which is its own authority, and return the options that name it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (home / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (home / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return [f"--ssl-cert={home / 'cert.pem'}", f"--ssl-key={home / 'key.pem'}"]


@contextmanager
def store() -> Iterator[str]:
    """The address of an S3 store that asks nobody who they are, until :func:`checking` tells it to."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            with closing(socket.socket()) as door:
                if door.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def client(endpoint: str, service: str) -> Any:  # noqa: ANN401 - clients have no types
    """A client of one service, whom nobody asks yet."""
    return boto3.client(
        service, endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


def checking(endpoint: str) -> tuple[str, str]:
    """Make a user who may read, let the store check every signature from now on, and return the user's keys."""
    iam = client(endpoint, "iam")
    iam.create_user(UserName="reader")
    allowed = {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": "*"}
    iam.put_user_policy(
        UserName="reader", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    )
    made = iam.create_access_key(UserName="reader")["AccessKey"]
    ask = urllib.request.Request(f"{endpoint}/moto-api/reset-auth", data=b"0", headers={"content-type": "text/plain"})  # noqa: S310 - our own server
    with urllib.request.urlopen(ask):  # noqa: S310
        return made["AccessKeyId"], made["SecretAccessKey"]
