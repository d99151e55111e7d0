"""What is left running for all tests of a process, and is to be ended with them."""

import atexit
from contextlib import ExitStack
from typing import Final

at_end: Final = ExitStack()
"""Closed at the end of the tests (`tests/conftest.py`): a worker that ends is killed soon, whatever else it has to do
then. And at exit, for programs that are no tests."""

atexit.register(at_end.close)
