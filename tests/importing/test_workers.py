"""Worker processes of a check."""

import sys
from multiprocessing import spawn

from dialler.importing.stages import workers


def test_a_worker_process_loads_nothing_of_the_main_program():
    main = sys.modules["__main__"]
    assert any(key.startswith("init_main") for key in spawn.get_preparation_data("worker"))
    with workers._without_main():
        told = spawn.get_preparation_data("worker")
    assert not any(key.startswith("init_main") for key in told)
    assert sys.modules["__main__"] is main
