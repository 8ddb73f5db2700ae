"""The Python side of the engine protocol: what all engines share. See docs/engine-protocol.md."""

from farm_engine.protocol.engine import Engine, RenderControl, RenderResult, ReportLoading
from farm_engine.protocol.errors import EngineError, Interrupted
from farm_engine.protocol.process import run_engine
from farm_engine.protocol.request import Piece, RenderRequest, RenderSettings, Speech

__all__ = [
    "Engine",
    "EngineError",
    "Interrupted",
    "Piece",
    "RenderControl",
    "RenderRequest",
    "RenderResult",
    "RenderSettings",
    "ReportLoading",
    "Speech",
    "run_engine",
]
