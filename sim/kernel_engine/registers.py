"""The core's registers, through Unicorn's C functions: its binding takes ten times as long."""

import ctypes
from collections.abc import Iterable
from dataclasses import fields

import numpy as np
from unicorn import arm_const
from unicorn.unicorn_py3.unicorn import uclib

from priot.sim.faults import Registers

NAMES = tuple(field.name for field in fields(Registers))
_SPECIAL = ("msp", "psp", "control", "primask")
_IDS = {name: getattr(arm_const, f"UC_ARM_REG_{name.upper()}") for name in (*NAMES, *_SPECIAL)}


class RegisterFile:
    """Reads and writes registers by the names of `Registers`, or msp, psp, control and primask."""

    def __init__(self, engine: ctypes.c_void_p) -> None:
        self._engine = engine
        self._all_ids = (ctypes.c_int * len(NAMES))(*(_IDS[name] for name in NAMES))
        self._all = np.zeros(len(NAMES), np.uint32)
        first = self._all.ctypes.data
        pointers = (first + 4 * at for at in range(len(NAMES)))
        self._pointers = (ctypes.c_void_p * len(NAMES))(*pointers)
        self._value = ctypes.c_uint32()
        self._reference = ctypes.byref(self._value)

    def __getitem__(self, name: str) -> int:
        uclib.uc_reg_read(self._engine, _IDS[name], self._reference)
        return self._value.value

    def __setitem__(self, name: str, value: int) -> None:
        self._value.value = value
        uclib.uc_reg_write(self._engine, _IDS[name], self._reference)

    def all(self) -> Registers:
        """A snapshot."""
        uclib.uc_reg_read_batch(self._engine, self._all_ids, self._pointers, len(NAMES))
        return Registers(*self._all.tolist())

    def update(self, values: Iterable[tuple[str, int]]) -> None:
        """Write several, in this order."""
        for name, value in values:
            self[name] = value
