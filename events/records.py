"""Records: what facts and values are, frozen structs whose fields have a name and an annotated type.

A struct is made and read in a fraction of a dataclass's time. Holding nothing but values it is never part of a cycle,
so the garbage collector need not know of it (`gc=False`): a page of events would be walked through again and again.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import msgspec
from msgspec.structs import replace

__all__ = ["is_record", "replace"]


def is_record(form: Any) -> TypeGuard[type[msgspec.Struct]]:
    """Tell whether an annotated type is that of a record."""
    return isinstance(form, type) and issubclass(form, msgspec.Struct)
