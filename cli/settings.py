"""What each service would be given at the next start: every setting, where its value is from, and what is wrong with it.

Nothing is made by looking: secrets that the first start will make are stood in for.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr, ValidationError

from cli.engines.postgres import PostgresEngine
from cli.engines.services import ServicesEngine, own_name
from cli.engines.valkey import ValkeyEngine
from cli.home import ROOT, SERVICES, Home
from services.chassis.config import ServiceConfig
from services.chassis.env_example import PREFIX, settings

HIDDEN = "(hidden)"
TO_COME = "(made at the first start)"
OF_THE_COMMAND_LINE = frozenset(
    PREFIX + name
    for name in ("HOME", "PORT_BASE", "TOKEN", "WORKERS", "DEBUG", "HOST_PLAN", "PROFILE", "BACKUP_PASSPHRASE", "E2E_KEEP")
)
_FILES = {"TRELLIS_ROOT_SECRET": "root", "TRELLIS_SERVICE_KEY": "jwk"}  # in the home's secrets, as `<service>.<ending>`
_OF_A_SLOT = ("TRELLIS_PORT", "TRELLIS_METRICS_PORT")
_LEVELS = ("debug", "info", "warning", "error")

Source = Literal["default", "environment", "home", "derived", "missing"]


@dataclass(frozen=True, slots=True)
class Given:
    """One setting of one service."""

    service: str
    name: str
    value: str
    source: Source
    where: str
    """The variable, the file, or what it follows from."""
    secret: bool
    doc: str

    @property
    def field(self) -> str:
        """The name of the setting in config.py."""
        return self.name.removeprefix(PREFIX).lower()

    @property
    def shown(self) -> str:
        """The value without what is secret in it."""
        if self.value == TO_COME:
            return self.value
        without = masked(self.value)
        return HIDDEN if self.secret and self.value and without == self.value else without


@dataclass(frozen=True, slots=True)
class Fault:
    """Something a service would stumble over, or that is not what somebody meant."""

    service: str
    name: str
    wrong: str
    fix: str
    fatal: bool = True


def given(here: Home, services: Sequence[str] = SERVICES) -> list[Given]:
    """Return all settings of the services, in the order of their documentation."""
    with _looked_at(here) as engine:
        return [found for service in services for found in _of(engine, here, service)]


def faults(here: Home, services: Sequence[str] = SERVICES) -> list[Fault]:
    """Return everything that is wrong, the worst first."""
    found = given(here, services)
    wrong = [fault for service in services for fault in _of_service(here, [g for g in found if g.service == service])]
    return wrong + _unread(found)


def masked(value: str) -> str:
    """Return a URL without its password and without the values of its query; anything else as it is."""
    try:
        url = urlsplit(value)
    except ValueError:
        return HIDDEN
    if not url.netloc:
        return value
    user, at, host = url.netloc.rpartition("@")
    hidden = user.partition(":")[0] + ":***" if ":" in user else "***" * bool(at)
    query = "&".join(part.partition("=")[0] + ("=***" if "=" in part else "") for part in url.query.split("&"))
    return SplitResult(url.scheme, f"{hidden}{at}{host}", url.path, query, "").geturl()


@contextlib.contextmanager
def _looked_at(here: Home) -> Iterator[ServicesEngine]:
    """Return what would be started, reading the home's secrets by links: what is missing is made up beside them."""
    with tempfile.TemporaryDirectory(prefix="trellis-config-") as directory:
        seen, ports = Home(Path(directory)), here.ports
        seen.__dict__["ports"] = ports
        (seen.path / "secrets").mkdir()
        for file in (here.path / "secrets").glob("*"):
            (seen.path / "secrets" / file.name).symlink_to(file)
        postgres, valkey = PostgresEngine(seen.path, ports["postgres"]), ValkeyEngine(seen.path, ports["valkey"])
        yield ServicesEngine(seen, postgres, valkey, workers=1)


def _of(engine: ServicesEngine, here: Home, service: str) -> Iterator[Given]:
    own = {name: value.replace(str(engine.home.path), str(here.path)) for name, value in engine.made(service).items()}
    kinds = config_of(service).model_fields
    for path in (ROOT / "services" / "chassis" / "config.py", ROOT / "services" / service / "config.py"):
        for setting in settings(path):
            value, source, where = _value(here, service, setting.name, setting.default, own)
            kind = kinds[setting.name.removeprefix(PREFIX).lower()].annotation
            yield Given(service, setting.name, value, source, where, SecretStr in (kind, *get_args(kind)), setting.doc)


def _value(here: Home, service: str, name: str, default: str | None, made: Mapping[str, str]) -> tuple[str, Source, str]:
    mine = own_name(service, name)
    if name in made:
        if mine in os.environ:
            return os.environ[mine], "environment", mine
        if name in _FILES:
            file = here.path / "secrets" / f"{service}.{_FILES[name]}"
            return made[name] if file.exists() else TO_COME, "home", str(file)
        return made[name], "derived", "the home's ports, secrets and place"
    if name in _OF_A_SLOT:
        slot = f"{service}_a" + ("_metrics" if name.endswith("METRICS_PORT") else "")
        return str(here.ports[slot]), "derived", "ports.json; a restart takes the other slot"
    if name in os.environ:
        return os.environ[name], "environment", name
    return ("", "missing", name) if default is None else (default, "default", "config.py")


def config_of(service: str) -> type[ServiceConfig]:
    """Return the class that reads a service's settings."""
    module = importlib.import_module(f"services.{service}.config")
    return next(kind for kind in vars(module).values() if isinstance(kind, type) and kind.__module__ == module.__name__)


def _of_service(here: Home, found: Sequence[Given]) -> list[Fault]:
    by_field = {g.field: g for g in found}
    wrong = _of_types(found, by_field)
    spoilt = {fault.name for fault in wrong}
    for g in found:
        if g.name not in spoilt and (why := _rule(g)):
            wrong.append(Fault(g.service, g.name, why, _fix(g)))
        if g.value == TO_COME and (here.path / "postgres").exists():
            lost = "is gone, but there is data that depends on it"
            wrong.append(Fault(g.service, g.name, lost, f"bring {g.where} back from a backup: `trellis backup restore`"))
    return wrong


def _of_types(found: Sequence[Given], by_field: Mapping[str, Given]) -> list[Fault]:
    """Read the settings as the service does."""
    values: dict[str, Any] = {g.field: g.value for g in found if g.source not in ("default", "missing")}
    try:
        config_of(found[0].service)(**values)
    except ValidationError as error:
        at = [(by_field[str(e["loc"][0])], e["msg"]) for e in error.errors()]
        return [Fault(g.service, g.name, message[0].lower() + message[1:], _fix(g)) for g, message in at]
    return []


def _fix(g: Given) -> str:
    match g.source:
        case "environment":
            return f"correct {g.where} in the environment, or unset it"
        case "home":
            return f"bring {g.where} back from a backup: `trellis backup restore`"
        case "missing":
            return f"set {g.name}: {g.doc}"
        case "derived":
            return f"set {own_name(g.service, g.name)}, or see `trellis doctor`"
    return f"set {g.name}"


def _rule(g: Given) -> str:
    """Return what is wrong beyond the type, or nothing."""
    rule = _RULES.get(g.field)
    if rule is None or g.value == TO_COME:
        return ""
    return rule(g.value, g.service)


def _scheme(*wanted: str) -> Callable[[str, str], str]:
    def rule(value: str, service: str) -> str:
        return "" if value.partition(":")[0] in wanted else f"is no URL that begins with {' or '.join(wanted)}"

    return rule


def _positive(value: str, service: str) -> str:
    return "" if float(value) > 0 else "must be more than 0"


def _root_secret(value: str, service: str) -> str:
    try:
        return "" if len(bytes.fromhex(value)) >= 32 else "is shorter than 32 bytes"
    except ValueError:
        return "is not written as hex"


def _key(value: str, service: str) -> str:
    try:
        key = json.loads(value)
    except ValueError:
        return "is no JSON"
    if not isinstance(key, dict) or key.get("crv") != "P-256" or "d" not in key:
        return "is no private JWK on P-256"
    return "" if key.get("kid") == service else f"is the key of {key.get('kid')}"


def _keys(value: str, service: str) -> str:
    try:
        known = {key.get("kid") for key in json.loads(value)["keys"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return "is no JWK set"
    lacking = ", ".join(name for name in SERVICES if name not in known)
    return f"lacks the key of {lacking}" if lacking else ""


def _level(value: str, service: str) -> str:
    return "" if value in _LEVELS else f"is none of {', '.join(_LEVELS)}"


def _optional(rule: Callable[[str, str], str]) -> Callable[[str, str], str]:
    return lambda value, service: rule(value, service) if value else ""


_RULES: dict[str, Callable[[str, str], str]] = {
    "database_url": _scheme("postgresql"),
    "database_pool_size": _positive,
    "statement_timeout_s": _positive,
    "valkey_url": _scheme("redis", "rediss", "unix"),
    "root_secret": _root_secret,
    "service_key": _key,
    "service_keys": _keys,
    "max_concurrent_calls": _positive,
    "otlp_endpoint": _optional(_scheme("http", "https")),
    "log_level": _level,
    "mail_url": _scheme("outbox", "smtp", "smtps"),
    "web_url": _scheme("http", "https"),
}


def _unread(found: Sequence[Given]) -> list[Fault]:
    """Return what is set and read by nobody: a slip of the pen, or the wrong one of two names."""
    names = {g.name for g in found}
    owned = {own_name(g.service, g.name) for g in found if g.source != "default"}
    made = {g.name for g in found if g.source in ("home", "derived") or g.where == own_name(g.service, g.name)}
    return [
        _ignored(name, names, owned, made)
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name not in (names - made) | owned | OF_THE_COMMAND_LINE
    ]


def _ignored(name: str, names: set[str], owned: set[str], made: set[str]) -> Fault:
    if name in made:
        fix = " or ".join(own_name(service, name) for service in SERVICES)
        return Fault("", name, "has no effect here: each service is given its own", f"set {fix}", fatal=False)
    near = difflib.get_close_matches(name, names | owned | OF_THE_COMMAND_LINE, n=1)
    fix = f"did you mean {near[0]}?" if near else "unset it"
    return Fault("", name, "is read by nobody", fix, fatal=False)
