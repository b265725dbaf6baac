"""The journey that `trellis demo` walks."""


def walk() -> None:
    """Filled in below."""
