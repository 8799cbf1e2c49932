"""``python -m priot``."""

import sys

from priot.experiments.cli import main

sys.exit(main())
