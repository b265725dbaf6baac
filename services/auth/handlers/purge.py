"""What is over for good and kept by nobody's wish goes, some rows at a time."""

from __future__ import annotations

from dataclasses import dataclass

from services.auth.ports import Begin, Now

BATCH = 500
"""Rows deleted in one transaction: it is short, and nobody waits for it."""


@dataclass(frozen=True, slots=True)
class PurgeHandlers:
    """Each deletes a batch and says whether there may be more."""

    begin: Begin
    now: Now

    async def note_purged(self, organization: str) -> None:
        """Remember that an organization is gone for good; its rows may be many and go later."""
        async with self.begin() as tx:
            await tx.purged_organizations.add(organization, self.now())
            await tx.commit()

    async def purge_organizations(self) -> bool:
        """Delete keys, service accounts, role bindings and roles of an organization that is gone."""
        async with self.begin() as tx:
            organization = await tx.purged_organizations.lock_next()
            if organization is None:
                return False
            gone = 0
            for kind in (tx.api_keys, tx.service_accounts, tx.role_bindings, tx.roles):
                gone += await kind.purge(organization, BATCH - gone)
            if gone < BATCH:
                await tx.organizations.reopen(organization)  # nothing is left that is to be shut out
                await tx.purged_organizations.remove(organization)
            await tx.commit()
        return True

    async def purge_signing_keys(self) -> None:
        """Delete the keys that verify nothing any more: a stolen database opens nothing with them."""
        async with self.begin() as tx:
            await tx.keys.purge(self.now())
            await tx.commit()
