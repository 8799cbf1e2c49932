"""Limits of the files that experiments read; docs/reliability.md lists them for users."""

MEGABYTE = 1 << 20

JSON_FILE = 64 * MEGABYTE
"""A record, or the description of a network. The largest of ours has 0.3 MB."""

TOML_FILE = 1 * MEGABYTE
"""The settings of runs."""

TOML_DEPTH = 16
"""Parts of a dotted key. Settings have one; reading takes their square."""

SWEEP_RUNS = 100_000
"""Runs that one sweep may stand for (`priot sweep --most-runs`)."""

RUNS_FILE = 1024 * MEGABYTE
"""Finished runs. Ours take some kilobytes each."""

WEIGHTS_FILE = 64 * MEGABYTE
"""The weights of a backbone, or a checkpoint: a network has at most 16 million weights, int8."""

ARRAYS = 10_000
"""Entries of an .npz file; a network has an array for each of its layers."""

STATE_CHARACTERS = 16 * MEGABYTE
"""What a checkpoint says beside its weights."""

DATA_FILE = 256 * MEGABYTE
"""A file of a data set, and what it unpacks to. MNIST's largest has 47 MB, CIFAR-10's 31 MB."""

PICKLE_OPERATIONS = 200_000
"""Opcodes of a pickled batch. CIFAR-10's take some 60,000: a label, a file name and its memo."""

SERIAL_INPUT = 64 * MEGABYTE
"""What a serial port is to receive."""

SOURCE_FILE = 16 * MEGABYTE
"""A source file that a page shows lines of."""
