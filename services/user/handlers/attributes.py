"""Use cases of attribute schemas."""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis import etags
from services.user.domain import Attributes, AttributeSchema
from services.user.ports import AttributeSchemas, Begin, Now


@dataclass(frozen=True, slots=True)
class UpdateAttributeSchema:
    """The new schema of an organization."""

    organization: str
    schema: Attributes
    etag: str


@dataclass(frozen=True, slots=True)
class AttributeSchemaHandlers:
    """What callers can do with attribute schemas."""

    schemas: AttributeSchemas
    begin: Begin
    now: Now

    async def get_attribute_schema(self, organization: str) -> AttributeSchema:
        """Return the schema; of an organization that never said one, the schema that allows nothing."""
        return await self.schemas.get(organization)

    async def update_attribute_schema(self, change: UpdateAttributeSchema) -> AttributeSchema:
        """Raises AttributeSchemaInvalid, OrganizationNotFound, OrganizationDeleted, EtagMismatch."""
        async with self.begin() as tx:
            (await tx.organizations.get(change.organization)).must_be_active()
            schema = await tx.attribute_schemas.get(change.organization)
            etags.check(change.etag, schema.version, schema.name)
            updated, event = schema.change(change.schema, at=self.now())
            await tx.attribute_schemas.save(updated)
            tx.outbox.add(event)
            await tx.commit(updated)
        return updated
