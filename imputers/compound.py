"""Methods made of others that are asked for by name; the code of these decides what is filled as well."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from imputers.base import Imputer


@runtime_checkable
class Compound(Protocol):
    """A method that is made of other methods."""

    def members(self) -> "list[Imputer]":
        """Make the methods that it is made of, not fitted."""


def with_members(imputer: "Imputer") -> "list[Imputer]":
    """Give an imputer and all that it is made of, at whatever depth."""
    members = imputer.members() if isinstance(imputer, Compound) else []
    return [imputer, *(each for member in members for each in with_members(member))]
