"""Run the whole stack on this machine: `python -m config.supervisor up|down|demo|run|status`."""

from __future__ import annotations

import argparse
import sys

from config.supervision.commands import COMMANDS, execute
from config.supervision.layout import StackError, stack_config_load


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="config.supervisor", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    chosen = parser.parse_args(arguments)
    try:
        config = stack_config_load()
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    return execute(chosen.command, config)


if __name__ == "__main__":
    raise SystemExit(main())
