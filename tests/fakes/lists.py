"""Lists in memory: fakes page them as the chassis pages lists that are short."""

from services.chassis.short_lists import Enums, page

__all__ = ["Enums", "page"]
