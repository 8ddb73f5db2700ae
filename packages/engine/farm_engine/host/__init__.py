"""The Python side of the engine protocol: what every engine shares. See docs/engine-protocol.md."""

from farm_engine.host.engine import Engine, RenderControl, RenderResult, ReportLoading
from farm_engine.host.errors import EngineError, Interrupted
from farm_engine.host.process import run_engine
from farm_engine.host.request import Piece, RenderRequest, RenderSettings, Speech

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
