"""URL path templates of google.api.http, turned into regular expressions.

Grammar: google/api/http.proto, "Path template syntax".
"""

from __future__ import annotations

import re

_VARIABLE = re.compile(r"\{([a-zA-Z0-9_.]+)(?:=([^{}]+))?\}")
_WILDCARDS = {"*": "[^/]+", "**": ".+"}


def compile_template(template: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A regex that matches the template's paths, and (field path, group name) of each variable."""
    parts: list[str] = []
    variables: list[tuple[str, str]] = []
    end = 0
    for number, variable in enumerate(_VARIABLE.finditer(template)):
        parts.append(_segments(template[end : variable.start()]))
        parts.append(f"(?P<g{number}>{_segments(variable[2] or '*')})")
        variables.append((variable[1], f"g{number}"))
        end = variable.end()
    parts.append(_segments(template[end:]))
    return "".join(parts), tuple(variables)


def _segments(text: str) -> str:
    """Escape literals, replace wildcards."""
    return "".join(_WILDCARDS.get(part, re.escape(part)) for part in re.split(r"(\*\*|\*)", text))
