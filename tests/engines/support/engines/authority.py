"""Certificates of a test cluster: authorities, what they sign, and kubeconfigs. All are valid for a week."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

WEEK = datetime.timedelta(days=7)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, in PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path, name: str) -> None:
        """`NAME.crt` and `NAME.key`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.crt").write_bytes(self.certificate)
        (folder / f"{name}.key").write_bytes(self.key)


@dataclass(frozen=True)
class Authority:
    """Signs for servers and clients alike."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pair(self) -> Pair:
        return Pair(self.certificate.public_bytes(serialization.Encoding.PEM), private_pem(self.key))

    def sign(self, name: str, groups: tuple[str, ...] = (), hosts: tuple[str, ...] = ()) -> Pair:
        """`name` is the user, `groups` are its groups, `hosts` the names and addresses that it serves at."""
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        unsigned = unsigned_certificate(subject(name, groups), self.certificate.subject, key).add_extension(
            x509.ExtendedKeyUsage(usages), critical=False
        )
        if hosts:
            names = x509.SubjectAlternativeName([general_name(host) for host in hosts])
            unsigned = unsigned.add_extension(names, critical=False)
        signed = unsigned.sign(self.key, hashes.SHA256())
        return Pair(signed.public_bytes(serialization.Encoding.PEM), private_pem(key))


def new_authority(name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    unsigned = unsigned_certificate(subject(name), subject(name), key)
    constraint = x509.BasicConstraints(ca=True, path_length=None)
    return Authority(unsigned.add_extension(constraint, critical=True).sign(key, hashes.SHA256()), key)


def unsigned_certificate(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5)).not_valid_after(now + WEEK)
    )  # fmt: skip


def subject(name: str, groups: tuple[str, ...] = ()) -> x509.Name:
    organisations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*organisations, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def write_token_keys(folder: Path) -> None:
    """`sa.key` and `sa.pub`: what the tokens of service accounts are signed and checked with."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sa.key").write_bytes(private_pem(key))
    (folder / "sa.pub").write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, public))


def write_api_keys(folder: Path, hosts: tuple[str, ...]) -> Authority:
    """All that an API server at `hosts` shows and trusts: `ca`, `apiserver`, `front-ca` and `front` (for APIs that it
    passes on to others) and `sa`. The authority `ca`, which users are signed by."""
    authority, front = new_authority("cluster"), new_authority("front-proxy")
    authority.pair.write(folder, "ca")
    front.pair.write(folder, "front-ca")
    front.sign("front-proxy-client").write(folder, "front")
    authority.sign("kube-apiserver", hosts=hosts).write(folder, "apiserver")
    write_token_keys(folder)
    return authority


def write_kubeconfig(path: Path, server: str, authority: Authority, user: Pair) -> None:
    """JSON, which is YAML."""
    cluster = {"server": server, "certificate-authority-data": encoded(authority.pair.certificate)}
    person = {"client-certificate-data": encoded(user.certificate), "client-key-data": encoded(user.key)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": person}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
    path.write_text(json.dumps(config, indent=1))


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
