"""What is true of every service, whatever it does: its files, its handlers, its errors, its tests, its sizes."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.chassis.errors import ServiceError
from services.chassis.rpc.errors import code_of
from trellis.policies import EVENTS, POLICIES, REASONS

ROOT = Path(__file__).parents[2]
SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/wiring.py"))
RPCS = sorted(method for method, policy in POLICIES.items() if policy.service in SERVICES)

BY_RESOURCE = {"domain", "convert", "servicer", "handlers", "ports", "store", "events"}
"""Packages split by resource: one stem goes through all of them."""
ALWAYS = {"__init__.py", "__main__.py", "config.py", "wiring.py", "migrations", "README.md", *BY_RESOURCE}
WHERE_NEEDED = {"consumers.py", "clients.py"}
NO_CODE = {"__pycache__", "breached_passwords.bin"}

MEDIAN_LINES, MOST_LINES = 10, 60


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def rpc_of(method: str) -> str:
    return method.rpartition("/")[2]


def functions(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the place of every function, and its lines without decorators and docstring."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", _lines(node)


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is not None:
        first = node.body[0]
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length


def declared_errors(service: str) -> dict[str, type[ServiceError]]:
    """Return the errors that a service's domain defines, by reason."""
    domain = importlib.import_module(f"services.{service}.domain")
    return {
        kind.reason: kind
        for _, kind in inspect.getmembers(domain, inspect.isclass)
        if issubclass(kind, ServiceError) and kind.__module__.startswith(domain.__name__)
    }


def test_there_are_services() -> None:
    assert {"auth", "user"} <= set(SERVICES)
    assert len(RPCS) == len(POLICIES)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_files_of_the_layout_and_no_other(service: str) -> None:
    found = {path.name for path in (ROOT / "services" / service).iterdir() if path.name not in NO_CODE}

    assert ALWAYS - found == set()
    assert found - ALWAYS - WHERE_NEEDED == set()


@pytest.mark.parametrize("method", RPCS)
def test_an_rpc_has_a_handler_of_its_name(method: str) -> None:
    handlers = importlib.import_module(f"services.{POLICIES[method].service}.handlers")
    name = snake_case(rpc_of(method))
    owners = [kind for _, kind in inspect.getmembers(handlers, inspect.isclass) if name in vars(kind)]

    assert len(owners) == 1
    assert inspect.iscoroutinefunction(vars(owners[0])[name])


@pytest.mark.parametrize("method", RPCS)
def test_an_rpc_has_its_component_tests(method: str) -> None:
    path = ROOT / "tests" / "component" / POLICIES[method].service / f"test_{snake_case(rpc_of(method))}.py"

    assert path.is_file()
    assert path.read_text().count("async def test_") >= 2


@pytest.mark.parametrize("service", SERVICES)
def test_a_component_test_is_of_an_rpc(service: str) -> None:
    wanted = {f"test_{snake_case(rpc_of(method))}.py" for method in RPCS if POLICIES[method].service == service}
    found = {path.name for path in (ROOT / "tests" / "component" / service).glob("test_*.py")}

    assert found == wanted


@pytest.mark.parametrize("service", SERVICES)
def test_errors_and_declared_reasons_are_the_same_with_the_same_codes(service: str) -> None:
    raised = {reason: code_of(kind.__new__(kind)).name for reason, kind in declared_errors(service).items()}

    assert raised == REASONS[service]


@pytest.mark.parametrize("service", SERVICES)
def test_an_error_has_the_name_of_its_reason(service: str) -> None:
    assert {reason: snake_case(kind.__name__).upper() for reason, kind in declared_errors(service).items()} == {
        reason: reason for reason in declared_errors(service)
    }


@pytest.mark.parametrize("method", RPCS)
def test_an_rpc_promises_declared_reasons_only(method: str) -> None:
    policy = POLICIES[method]

    assert set(policy.reasons) - set(REASONS[policy.service]) - set(REASONS["common"]) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_a_reason_is_promised_by_an_rpc(service: str) -> None:
    promised = {reason for method in RPCS if POLICIES[method].service == service for reason in POLICIES[method].reasons}

    assert set(REASONS[service]) - promised == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_declared_event_is_announced(service: str) -> None:
    source = "".join(path.read_text() for path in (ROOT / "services" / service / "events").glob("*.py"))
    declared = {name.rpartition(".")[2] for name in EVENTS if name.startswith(f"trellis.{service}.")}
    announced = {kind for kind in declared if re.search(rf"\bpb\.{kind}\(", source)}

    assert announced == declared


@pytest.mark.parametrize("folder", ["services", *(f"services/{name}" for name in ("chassis", *SERVICES))])
def test_functions_are_short(folder: str) -> None:
    sizes = [size for _, size in functions(ROOT / folder)]

    assert statistics.median(sizes) <= MEDIAN_LINES


@pytest.mark.parametrize("folder", ["services", "compiler", "cli"])
def test_no_function_is_long(folder: str) -> None:
    assert [f"{place}: {size}" for place, size in functions(ROOT / folder) if size > MOST_LINES] == []


@pytest.mark.parametrize("folder", ["services", "compiler", "cli"])
def test_every_module_says_what_it_is_for(folder: str) -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.read_text().strip() and ast.get_docstring(ast.parse(path.read_text())) is None
    ]

    assert silent == []


@pytest.mark.parametrize("service", SERVICES)
def test_no_two_consumers_share_a_position(service: str) -> None:
    source = (ROOT / "services" / service / "consumers.py").read_text()
    names = re.findall(r'Consumer\("([^"]+)"', source)

    assert sorted(names) == sorted(set(names))
    assert all(name.startswith(f"{service}.") for name in names)


@pytest.mark.parametrize("service", SERVICES)
def test_the_page_of_a_service_names_its_rpcs_reasons_and_migrations(service: str) -> None:
    page = (ROOT / "docs" / "services" / f"{service}.md").read_text()
    rpcs = {method.rpartition("/")[2] for method in RPCS if POLICIES[method].service == service}
    migrations = {path.stem for path in (ROOT / "services" / service / "migrations" / "versions").glob("0*.py")}
    named = rpcs | set(REASONS[service]) | migrations

    assert sorted(name for name in named if not re.search(rf"\b{name}\b", page)) == []
