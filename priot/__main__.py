"""``python -m priot`` is the command ``priot``."""

import sys

from priot.experiments.cli import main

sys.exit(main())
