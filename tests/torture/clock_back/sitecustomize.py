"""Python imports this where its folder is on PYTHONPATH: the clock on the wall jumps back.

By an hour, at every fourth time that somebody asks.
"""

import itertools
import time

_calls = itertools.count()
_true = time.time
_true_ns = time.time_ns


def _back() -> int:
    return 3600 * (next(_calls) // 4)


time.time = lambda: _true() - _back()
time.time_ns = lambda: _true_ns() - _back() * 10**9
