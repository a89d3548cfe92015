"""What every command needs: the target, and the settings of whoever types."""

import os
from pathlib import Path

from sfnflow.config import LocalSettings, local_settings
from sfnflow.targets import Target


def settings() -> LocalSettings:
    """The settings for the folder that the command is typed in."""
    return local_settings(os.environ, Path.cwd())


def target() -> Target:
    """The target that commands act on."""
    from sfnflow.targets.local.target import LocalTarget

    return LocalTarget(settings())
