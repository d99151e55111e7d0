"""How long a figure may take: the short form for everyday use, the full one for the record."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """The short form, or the full one."""

    is_full: bool = False

    @property
    def turns(self) -> int:
        """How many times the sides of a ratio run, in turns."""
        return 7 if self.is_full else 3

    def of(self, short: int, full: int) -> int:
        """Return a size by the form."""
        return full if self.is_full else short
