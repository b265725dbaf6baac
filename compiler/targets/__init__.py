"""What the contract is turned into: one module a target, one line here.

A target has `render(contract)`, which answers with paths (from the repository root, under `gen/` or `docs/`) and their text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from compiler.model import Contract
from compiler.targets import envoy, errors, openapi, python_policies

Render = Callable[[Contract], Mapping[str, str]]

TARGETS: dict[str, Render] = {
    "envoy": envoy.render,
    "errors": errors.render,
    "openapi": openapi.render,
    "python policies": python_policies.render,
}
