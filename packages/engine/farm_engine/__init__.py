"""The farm's render engines. `python -m farm_engine draft` speaks the engine protocol on its standard streams."""

__version__ = "0.1.0"
