"""``python -m experiments``: the same as ``priot``."""

import sys

from priot.experiments.cli import main

sys.exit(main())
