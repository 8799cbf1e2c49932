"""The specification: every operation of a training step as its formula says, in Python's integers.

One file for each operation, to be read beside its twin in C (``firmware_elf/trainer/``). Nothing is
fast here and no sum can overflow; the engines of ``kernels`` and the firmware have to give the same
numbers, bit for bit.
"""
