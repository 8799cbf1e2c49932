"""PIO: two blocks of four state machines. RP2040 datasheet, chapter 3."""
