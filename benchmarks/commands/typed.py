"""What was typed, for pages to say how they were made."""

import shlex
from collections.abc import Mapping
from pathlib import Path


def command_line(command: str, options: Mapping[str, object]) -> str:
    """A command with those of its options that were given; of files their names, and each of several by itself."""
    words = ["python", "-m", "benchmarks", command]
    for name, value in options.items():
        for each in value if isinstance(value, tuple | list) else (value,):
            if each is not None:
                words += [f"--{name}", each.name if isinstance(each, Path) else str(each)]
    return shlex.join(words)
