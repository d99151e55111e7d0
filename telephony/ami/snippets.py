"""Fills in the Asterisk files of `config/asterisk/`, whose own `$` belong to Asterisk."""

from collections.abc import Mapping
from string import Template


class Snippet(Template):
    """A template whose placeholders are written `@@{name}`: `${...}` is a variable of Asterisk's dialplan."""

    delimiter = "@@"

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the file. Raises KeyError for a placeholder without a value, ValueError for one that breaks its line.

        A value may not hold a line break, nor a semicolon, which begins a comment in Asterisk's files.
        """
        for name, value in values.items():
            if any(char in value for char in "\r\n\0;"):
                raise ValueError(f"{name} must not hold a line break or a semicolon")
        return self.substitute(values)
