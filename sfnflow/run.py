"""Runs: trigger, find, watch, stop, continue, and resume on this machine."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sfnflow.deploy import require_deployed
from sfnflow.errors import NotFoundError, RunError, UsageError
from sfnflow.graph import Flow
from sfnflow.names import suggest
from sfnflow.targets import Run, Target
from sfnflow.values import check_values

# Batch takes 8,192 characters of overrides with a job
# (https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerOverrides.html); what is longer
# than this share of it goes by the ledger's store.
INLINE_INPUT_CHARACTERS = 4096
_POLL_SECONDS = 0.2
_SHOWN = 5


def trigger(target: Target, name: str, given: Mapping[str, Any]) -> Run:
    """Starts a run of the live version. The values are checked before anything starts."""
    deployed = require_deployed(target, name)
    values = check_values(deployed.flow, given)
    for parameter in deployed.flow.parameters:
        if parameter.kind == "file" and parameter.name in values:
            values[parameter.name] = _upload(target, deployed.flow, values[parameter.name])
    return target.start(deployed, _document(target, deployed.flow, values))


def require_run(target: Target, text: str, *, or_newest: bool = False) -> Run:
    """The run of that id or unique beginning of an id; `or_newest` takes a flow's name as well."""
    found = target.find_runs(text)
    if len(found) == 1 or (found and found[0].id == text):
        return found[0]
    if found:
        raise UsageError(
            f"{text} is the beginning of more than one run.",
            details=[f"{run.id}  {run.name}  {run.status}" for run in found[:_SHOWN]],
            hint="Give more of the id.",
        )
    newest = target.runs(text, limit=1)
    if newest and or_newest:
        return newest[0]
    if newest:
        raise NotFoundError(
            f"{text} is a flow, not a run.", hint=f"Its newest run is {newest[0].id}."
        )
    raise NotFoundError(
        f"There is no run {text} on the target {target.label}.",
        hint="`sfnflow runs NAME` lists the runs of a flow.",
    )


def require_step(flow: Flow, name: str) -> str:
    """The name, if the flow has such a step."""
    names = [step.name for step in flow.steps]
    if name not in names:
        raise NotFoundError(
            f"{flow.name} has no step {name}.",
            hint=suggest(name, names) or f"Its steps: {', '.join(names)}.",
        )
    return name


def watch(target: Target, run: Run, timeout: float | None = None) -> Iterator[Run]:
    """The run again and again until it is over. RunError after `timeout` seconds; it goes on then."""
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        run = target.find_runs(run.id)[0]
        yield run
        if run.status != "RUNNING":
            return
        if deadline is not None and time.monotonic() > deadline:
            raise RunError(
                f"{run.id} is not over after {timeout:g} seconds; it goes on.",
                hint=f"sfnflow status {run.id}",
            )
        time.sleep(_POLL_SECONDS)


def stop(target: Target, text: str) -> Run:
    """Ends a run and its jobs. RunError when it is over already."""
    run = require_run(target, text)
    if run.status not in ("RUNNING", "INTERRUPTED"):
        raise RunError(f"{run.id} is over already: {run.status}.")
    target.stop(run)
    return target.find_runs(run.id)[0]


def redrive(target: Target, text: str) -> Run:
    """Goes on with a run in place. RunError when there is nothing to go on with."""
    run = require_run(target, text)
    if run.status == "SUCCEEDED":
        raise RunError(f"{run.id} has succeeded; there is nothing to go on with.")
    if run.status == "RUNNING":
        raise RunError(f"{run.id} is running.", hint=f"sfnflow status {run.id}")
    target.redrive(run)
    return target.find_runs(run.id)[0]


def resume_script(target: Target, run: Run) -> Path:
    """The flow file that the run was deployed from; NotFoundError when it has gone."""
    script = Path(target.flow_of(run).file)
    if not script.is_file():
        raise NotFoundError(
            f"The flow of {run.id} was deployed from {script}, which is not there any more.",
            hint=f"Name the file: sfnflow resume {script.name} --origin-run-id {run.id}",
        )
    return script


def resume_here(target: Target, run: Run, script: Path) -> int:
    """Metaflow's own resume of the run, on this machine, with today's code. Returns its exit code."""
    if run.status == "RUNNING":
        raise RunError(
            f"{run.id} is still running.",
            hint=f"Wait for it, or end it first: sfnflow stop {run.id}",
        )
    if not script.is_file():
        raise NotFoundError(f"There is no file {script}.")
    command = [sys.executable, "-P", "-m", "sfnflow.runtime.flow", str(script.absolute())]
    options = ["--no-pylint", "resume", "--origin-run-id", run.id]
    environment = {**os.environ, **target.metaflow_environment()}
    return subprocess.run([*command, *options], env=environment, check=False).returncode


def _upload(target: Target, flow: Flow, path: str) -> str:
    body = Path(path).expanduser().read_bytes()
    key = f"{flow.name}/files/{hashlib.sha256(body).hexdigest()}"
    target.put_object(key, body)
    return f"ledger:{key}"


def _document(target: Target, flow: Flow, values: Mapping[str, str]) -> dict[str, Any]:
    """The input of the execution, in the form that Metaflow's plugin takes as well."""
    text = json.dumps(values)
    if len(text) <= INLINE_INPUT_CHARACTERS:
        return {"Parameters": text}
    key = f"{flow.name}/inputs/{hashlib.sha256(text.encode()).hexdigest()}.json"
    target.put_object(key, text.encode())
    return {"ParametersAt": key}
