"""``python -m experiments``: the same as ``priot``."""

import sys

from experiments.cli import main

sys.exit(main())
