"""Options that several commands have: how each group is declared, read and checked."""
