"""Metaflow's own tutorials that need no third-party package, in their order: some read each other."""

import shutil
from pathlib import Path

import metaflow

from tests.conftest import Cli

TUTORIALS = Path(metaflow.__file__).parent / "tutorials"


FLOWS = [
    "00-helloworld/helloworld.py",
    "01-playlist/playlist.py",
    "02-statistics/stats.py",
    "03-playlist-redux/playlist.py",
    "05-hello-cloud/hello-cloud.py",
]


def test_tutorials_run(cli: Cli) -> None:
    shutil.copytree(TUTORIALS, cli.folder, dirs_exist_ok=True)
    for flow in FLOWS:
        # 03 reads the run of 02, which is in another production namespace.
        created = cli.ok("create", flow, "--namespace", "", "--json").json
        run = cli.ok("trigger", created["name"], "--wait").out.strip()
        assert cli.ok("status", run, "--json").json["run"]["status"] == "SUCCEEDED"
