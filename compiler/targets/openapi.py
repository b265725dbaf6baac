"""`gen/openapi/trellis.json`: the REST face as an OpenAPI 3.1 document. The edge serves it, `compiler.diff` watches it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from compiler.model import Contract
from compiler.openapi.document import document

PATH = "gen/openapi/trellis.json"


def render(contract: Contract) -> Mapping[str, str]:
    """One JSON document."""
    return {PATH: json.dumps(document(contract), indent=1, ensure_ascii=False) + "\n"}
