"""An ARMv6-M processor (Cortex-M0+ r0p1, as in the RP2040) written down from the manual.

It is slow, plain and shares no code with the simulator: a witness to check a fast core against.
Section numbers such as B1.5.6 are those of the ARMv6-M Architecture Reference Manual (Arm
DDI0419E); cycles are those of the Cortex-M0+ Technical Reference Manual (Arm DDI0484C, table 3-1).

Where the manual says UNDEFINED or UNPREDICTABLE, an instruction is a fault here, and where it says
UNKNOWN, the old value stays.
"""

from manual.core import ManualCore, Step
from manual.memory import BusFault, Fault, Memory, Ram
from manual.two_cores import TwoCores

__all__ = ["BusFault", "Fault", "ManualCore", "Memory", "Ram", "Step", "TwoCores"]
