"""Fetch, check and list the published weights: `python -m farm_engine.weights --help`."""

import signal
import sys

if __name__ == "__main__":
    # Ctrl-C ends it silently, also while the libraries below load; what was downloaded is kept.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from farm_engine.weights.command_line import main

    sys.exit(main())
