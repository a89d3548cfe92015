"""Settings: where things are and what bounds a run. Pure: the environment is passed in.

Precedence: flags > SFNFLOW_* > METAFLOW_* > defaults.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from sfnflow.errors import UsageError

DEFAULT_MAX_WORKERS = 100
DEFAULT_SLOTS = 16
NOBODY = "sfnflow"
"""The user that Metaflow is told of where it would refuse to know one (root, in a container)."""


class RenderSettings(BaseModel):
    """All that a definition depends on besides the flow itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_workers: int = DEFAULT_MAX_WORKERS
    workflow_timeout: int | None = None
    partition: str = "aws"
    queue: str = "local"
    bucket: str = "local"
    prefix: str = "sfnflow"


class LocalSettings(BaseModel):
    """Where the local target keeps its state, and how much it runs at once.

    `home` is `.sfnflow`; `metaflow_root` the folder that holds Metaflow's `.metaflow`; `slots` how
    many jobs of a run run at the same time, whatever the Map states would allow.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    metaflow_root: Path
    slots: int = DEFAULT_SLOTS
    user: str = NOBODY

    @property
    def datastore(self) -> Path:
        """Metaflow's local datastore: artifacts, logs and metadata of every run."""
        return self.metaflow_root / ".metaflow"


def local_settings(environ: Mapping[str, str], cwd: Path) -> LocalSettings:
    """The local target's settings for a command started in `cwd`.

    State lives beside Metaflow's: in SFNFLOW_HOME, else in the nearest folder upwards that already
    has `.sfnflow` or `.metaflow`, else in `cwd`. UsageError when a value makes no sense.
    """
    root = _root(environ, cwd)
    return LocalSettings(
        home=root / ".sfnflow",
        metaflow_root=Path(cwd, environ.get("METAFLOW_DATASTORE_SYSROOT_LOCAL") or root).absolute(),
        slots=_positive("SFNFLOW_LOCAL_SLOTS", environ.get("SFNFLOW_LOCAL_SLOTS"), DEFAULT_SLOTS),
        user=user_name(environ),
    )


def user_name(environ: Mapping[str, str]) -> str:
    """Who deploys, as Metaflow tells it (metaflow.util.get_username), but never unknown."""
    for variable in ("METAFLOW_USER", "SUDO_USER", "USERNAME", "USER"):
        name = environ.get(variable)
        if name and name != "root":
            return name
    return NOBODY


def _root(environ: Mapping[str, str], cwd: Path) -> Path:
    given = environ.get("SFNFLOW_HOME")
    if given:
        return Path(cwd, given).absolute()
    for folder in (cwd, *cwd.parents):
        if (folder / ".sfnflow").is_dir() or (folder / ".metaflow").is_dir():
            return folder
    return cwd


def _positive(name: str, given: str | None, default: int) -> int:
    if given is None:
        return default
    if not given.isdecimal() or int(given) < 1:
        raise UsageError(
            f"{name} is {given!r}, but it must be a whole number of 1 or more.",
            hint=f"Unset {name} to use {default}.",
        )
    return int(given)
