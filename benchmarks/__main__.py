"""``python -m benchmarks``: the command line."""

import sys

from benchmarks.stopping import stoppable


def main() -> None:
    """Run a command; a user's mistake is told in one sentence and exits with status 2."""
    with stoppable():
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # a terminal without our characters shows others in their place
        from rich.console import Console

        from benchmarks.app import app
        from datasets.errors import InputError

        try:
            app()
        except InputError as error:
            Console(stderr=True).print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
            sys.exit(2)


if __name__ == "__main__":
    main()
