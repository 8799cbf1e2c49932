"""The command line: ``priot COMMAND``. A command is a module below ``commands``.

Nothing here loads NumPy, Numba or the simulator before a command does its work: help and mistakes
in options are told at once.
"""

from priot.experiments.cli.entry import main

__all__ = ["main"]
