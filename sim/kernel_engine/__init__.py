"""Unicorn as an engine for one thing: kernels that lie in SRAM, on one core, counted by block."""
