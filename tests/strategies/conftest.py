"""The command line as other tests type it."""

from tests.dustman.conftest import dustman, home

__all__ = ["dustman", "home"]
