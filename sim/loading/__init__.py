"""From a file to a program: ELF, UF2 and BIN, and where a program starts."""
