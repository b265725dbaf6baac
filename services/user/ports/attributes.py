"""Where attribute schemas are kept."""

from __future__ import annotations

from typing import Protocol

from services.user.domain import AttributeSchema


class AttributeSchemas(Protocol):
    """Reads attribute schemas, one statement each."""

    async def get(self, organization: str) -> AttributeSchema:
        """Return the schema; of an organization that never said one, the schema that allows nothing."""
        ...


class ChangedAttributeSchemas(Protocol):
    """Attribute schemas inside a transaction that holds their organization's lock."""

    async def get(self, organization: str) -> AttributeSchema:
        """Return the schema; of an organization that never said one, the schema that allows nothing."""
        ...

    async def save(self, schema: AttributeSchema) -> None:
        """Write the current values."""
        ...
