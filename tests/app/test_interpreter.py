"""What a daemon sets in its interpreter."""

import gc
import sys

from dialler.app.interpreter import SWITCH_INTERVAL_S, spare_what_is_loaded, take_turns_often


def test_what_is_loaded_is_no_garbage_to_look_at_and_threads_take_turns() -> None:
    before = sys.getswitchinterval()
    try:
        there = len(gc.get_objects())
        spare_what_is_loaded()
        assert gc.get_freeze_count() > there / 2
        assert len(gc.get_objects()) < there / 2
        take_turns_often()
        assert sys.getswitchinterval() == SWITCH_INTERVAL_S
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before)
