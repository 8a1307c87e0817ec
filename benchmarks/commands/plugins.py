"""The option ``--load`` of every command."""

from pathlib import Path
from typing import Annotated

import typer

from datasets.registry import load_plugin

Plugins = Annotated[list[Path] | None, typer.Option(help="Python file that registers something of yours; repeatable.")]


def load_plugins(paths: list[Path] | None) -> list[str]:
    """Import files of the user's; say what they registered, e.g. ``["imputer nearest"]``."""
    return [name for path in paths or [] for name in load_plugin(path)]
