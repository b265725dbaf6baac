"""Resource names (AIP-122): `organizations/{organization}/memberships/{membership}` taken apart and put together."""

from __future__ import annotations

import re
from functools import cache

from services.chassis.errors import invalid_field

_VARIABLE = re.compile(r"\{([a-z_]+)\}")
_ID = r"([A-Za-z0-9][A-Za-z0-9._~-]*)"  # what needs no escape in a path; lengths are the contract's


class NamePattern:
    """One kind of resource name."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.variables = tuple(_VARIABLE.findall(text))
        literals = [re.escape(literal) for literal in _VARIABLE.split(text)[::2]]
        self._expression = re.compile(_ID.join(literals))

    def format(self, **ids: str) -> str:
        """Return the name made of the ids. Raises KeyError where one is missing."""
        return self.text.format_map(ids)

    def parse(self, name: str, field: str = "name") -> dict[str, str]:
        """Return the ids of a name, by variable. Raises InvalidArgument that names the request's field."""
        found = self._expression.fullmatch(name)
        if found is None:
            raise invalid_field(field, f"must look like {self.text}.", "name.pattern")
        return dict(zip(self.variables, found.groups(), strict=True))


@cache
def pattern(text: str) -> NamePattern:
    """Return the pattern, compiled once."""
    return NamePattern(text)
