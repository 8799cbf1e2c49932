"""The commands of priot, a module for each: its options, its help, its function."""
