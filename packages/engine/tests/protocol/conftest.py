from __future__ import annotations

import sys
from pathlib import Path

import pytest
from engine_process import EngineProcess


@pytest.fixture
def start():
    """Starts the scripted engine; keyword `ready`: wait until it is."""
    started = []

    def start_engine(*options: str, ready: bool = True):
        engine = EngineProcess(sys.executable, str(Path(__file__).parent / "scripted_engine.py"), *options)
        started.append(engine)
        if ready:
            engine.next("ready")
        return engine

    yield start_engine
    for engine in started:
        engine.close()
