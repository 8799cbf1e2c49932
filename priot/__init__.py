"""A cycle-exact simulator of the RP2040, and integer-only training on it.

* ``priot.sim``: the chip; ``from priot.sim import Pico``
* ``priot.kernels``: training methods in exact integers
* ``priot.firmware_elf``: the same for the chip, in C and built
* ``priot.experiments``: runs, costs and the command line
* ``priot.plots``: figures from records
* ``priot.numba_cache``: how compiled code is kept on disk

Each is a folder at the top of the repository; here are links to them.
"""

__version__ = "0.1.0"
