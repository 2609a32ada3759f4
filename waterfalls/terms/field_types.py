"""How a field of a term is typed that takes more than it holds: a list is taken, a tuple is held.

For a type checker such a field is a descriptor whose `__set__` says what is taken and whose `__get__` what is held. When
the program runs, the field is annotated with what it holds; the constructor of a term turns the one into the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

T = TypeVar("T")
Taken = TypeVar("Taken")
Held = TypeVar("Held")

if TYPE_CHECKING:

    class Takes(Generic[Taken, Held]):
        """A field that takes the one type and holds the other."""

        @overload
        def __get__(self, instance: None, owner: Any) -> Self: ...
        @overload
        def __get__(self, instance: object, owner: Any) -> Held: ...
        def __get__(self, instance: Any, owner: Any) -> Any: ...
        def __set__(self, instance: object, value: Taken) -> None: ...

    Listed = Takes[Sequence[T], tuple[T, ...]]
else:

    class Takes:
        def __class_getitem__(cls, types: tuple[Any, Any]) -> Any:
            return types[1]

    Listed = tuple[T, ...]


def items(*given: Any) -> Any:
    """The default of such a field; of any type, for a checker holds a default against the field and not what it takes."""
    return given
