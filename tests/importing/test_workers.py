"""Worker processes of a check."""

import sys
from importlib.machinery import ModuleSpec
from multiprocessing import spawn
from types import ModuleType

import pytest

from dialler.importing.stages import workers


def test_a_worker_process_loads_nothing_of_the_main_program(monkeypatch: pytest.MonkeyPatch) -> None:
    main = ModuleType("__main__")
    main.__spec__ = ModuleSpec("dialler.cli.__main__", None)
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert spawn.get_preparation_data("worker")["init_main_from_name"] == "dialler.cli.__main__"
    with workers._without_main():
        told = spawn.get_preparation_data("worker")
    assert not any(key.startswith("init_main") for key in told)
    assert sys.modules["__main__"] is main
