"""The command line: starts one engine on the standard streams."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

ENGINE_MODULES = {"draft": "farm_engine.draft.engine", "liveavatar": "farm_engine.liveavatar.command_line"}

DESCRIPTION = """\
Starts a render engine. It reads commands from standard input and writes events to standard output, one JSON object per
line, and writes frames (RGB24) into the FIFOs that a render command names; see docs/engine-protocol.md. It exits when
its standard input closes. Normally the farm's worker starts it.
"""
EPILOG = """\
engines:
  draft        animates the portrait on the CPU, needs only NumPy and OpenCV
  liveavatar   the Live Avatar model in PyTorch: pip install 'farm-engine[liveavatar]'

`python -m farm_engine <engine> --help` lists the options of one engine.
"""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="farm_engine",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("engine", choices=ENGINE_MODULES, help="which engine to start")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="options of that engine")
    arguments = parser.parse_args(argv)
    try:
        module_name = ENGINE_MODULES[arguments.engine]
        package = importlib.import_module(module_name.rpartition(".")[0])
        # Must be set before the engine's libraries are imported: they read it then.
        os.environ.update(getattr(package, "PROCESS_ENVIRONMENT", {}))
        engine_module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        print(
            f"farm_engine: the {arguments.engine} engine needs the Python package '{error.name}', which is not "
            f"installed for {sys.executable}. Install it with: pip install 'farm-engine[{arguments.engine}]'",
            file=sys.stderr,
        )
        return 2
    engine = engine_module.create_engine(arguments.options)

    from farm_engine.protocol import run_engine

    return run_engine(engine)


if __name__ == "__main__":
    sys.exit(main())
