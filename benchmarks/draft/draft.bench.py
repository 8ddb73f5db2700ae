"""Measures the draft engine on nine portraits and four voices, and writes contact sheets for people to judge.

Prints one JSON object: for every portrait and voice the correlation of mouth motion with the speech's loudness, the
same with the wrong speech, the delay until the mouth is closed, the change outside the head, and the frames per second.
"""

from __future__ import annotations

import json
import os

from farm_engine.draft import PROCESS_ENVIRONMENT


def main() -> None:
    os.environ.update(PROCESS_ENVIRONMENT)
    from draft_benchmark import measure  # imports OpenCV, which reads the environment

    print(json.dumps(measure()))


if __name__ == "__main__":
    main()
