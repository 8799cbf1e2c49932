"""Debugging a Pico: breakpoints, watchpoints, and GDB's remote protocol."""
