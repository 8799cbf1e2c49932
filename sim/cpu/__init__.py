"""The processor: an ARMv6-M compiled by Numba from the table of instructions."""
