"""What every service reads from its environment.

A service's own `config.py` subclasses `ServiceConfig`. Every field is one variable, `TRELLIS_` + its name in capitals;
`.env.example` is derived from these classes. A missing variable ends the process at start with all missing names.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class ConfigError(Exception):
    """The environment lacks something or holds something unusable; the message names every variable."""


class ServiceConfig(BaseSettings):
    """Settings that all services share. Frozen: nothing changes a setting after start."""

    model_config = SettingsConfigDict(env_prefix="TRELLIS_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    """Address the gRPC server binds to. Loopback unless the network around the process is trusted."""
    port: int = Field(ge=0, le=65535)
    """Port of the gRPC server; 0 takes a free one."""
    metrics_port: int = 0
    """Port of the Prometheus endpoint on `host`; 0 turns it off."""
    database_url: SecretStr
    """`postgresql://user:password@host:port/database` of this service's own database."""
    database_pool_size: int = 8
    """Connections of one process. A request holds one only while a statement or a transaction runs."""
    statement_timeout_s: float = 5.0
    """Longest a single SQL statement may run; bounds work that outlives its caller."""
    valkey_url: SecretStr
    """`redis://:password@host:port/0` of the cache, the rate limits and the event bus."""
    root_secret: SecretStr
    """32 random bytes as hex. Every key of this service is derived from it (HKDF), each under a label of its own."""
    issuer: str = "https://auth.trellis.local"
    """`iss` of access tokens; compared exactly."""
    audience: str = "trellis"
    """`aud` of access tokens; compared exactly."""
    auth_target: str = ""
    """gRPC target of the auth service, for example `ipv4:127.0.0.1:5001,127.0.0.1:5002`."""
    user_target: str = ""
    """gRPC target of the user service."""
    service_key: SecretStr
    """This service's private key as a JWK (ES256): signs the tokens it calls other services with."""
    service_keys: str
    """Public keys of all services as a JWK set; the `kid` is the service's name."""
    max_concurrent_calls: int = 256
    """Calls served at once by one process; more are refused at once with RESOURCE_EXHAUSTED."""
    audit_refusals_per_minute: int = 20
    """Refused calls of one caller that a process tells the audit log one by one; the rest of a minute becomes one entry."""
    drain_settle_s: float = 1.5
    """Time between NOT_SERVING and the end of accepting: at least two health-check intervals of the edge."""
    drain_grace_s: float = 10.0
    """Time that calls in flight have to finish."""
    otlp_endpoint: str = ""
    """`http://host:port` of an OTLP/gRPC collector for traces and metrics; empty exports nothing."""
    trace_ratio: float = Field(default=0.01, ge=0, le=1)
    """Share of calls traced where the caller did not decide."""
    log_level: str = "info"
    """debug, info, warning or error."""

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises ConfigError that names every variable at fault."""
        try:
            return cls()  # type: ignore[call-arg]  # the environment gives the rest
        except ValidationError as error:
            faults = [f"TRELLIS_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
            raise ConfigError("; ".join(faults)) from None


class MailConfig(ServiceConfig):
    """Settings of the services that send mail, beside those of all services."""

    mail_url: str
    """Where mail goes: `outbox:/directory`, `smtp://user:password@host:587?starttls` or `smtps://…`."""
    mail_sender: str = "Trellis <no-reply@trellis.local>"
    """`From` of every mail."""
    web_url: str = "http://localhost:3000"
    """Root of the web app that the links in mails point to."""
