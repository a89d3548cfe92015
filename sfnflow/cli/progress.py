"""A run as a tree of its steps: live on a terminal, time-stamped lines elsewhere."""

import json
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sfnflow.cli.output import emit, lasted, say, status_text, stderr, stdout
from sfnflow.run import watch
from sfnflow.targets import Run, StepProgress, Target, Task
from sfnflow.triage import triage

_SHOWN_FAILURES = 5


def show_until_over(target: Target, run: Run, timeout: float | None = None) -> Run:
    """Shows the run on stderr until it is over, and returns it as it then is."""
    console = stderr()
    try:
        now = _show(target, run, timeout)
    except KeyboardInterrupt:
        if console.is_terminal:
            console.print(report(target, run))
        say(f"{run.id} goes on: sfnflow status {run.id}, or end it: sfnflow stop {run.id}")
        raise
    emit(console, report(target, now))
    return now


def _show(target: Target, run: Run, timeout: float | None) -> Run:
    console = stderr()
    if console.is_terminal:
        with Live(console=console, refresh_per_second=8, transient=True) as live:
            for now in watch(target, run, timeout):
                live.update(_steps(target, now))
        return now
    said: dict[str, str] = {}
    for now in watch(target, run, timeout):
        for step in target.progress(now):
            line = _count(step)
            if step.started and said.get(step.step) != line and _worth_saying(step):
                said[step.step] = line
                say(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {step.step}: {line} tasks done")
    return now


def print_once(target: Target, run: Run) -> None:
    """Prints the run as it is now, on stdout."""
    emit(stdout(), report(target, run))


def report(target: Target, run: Run) -> RenderableType:
    """The tree, and for a run that did not succeed why, and the command that goes on."""
    parts: list[RenderableType] = [_steps(target, run)]
    if run.status in ("FAILED", "TIMED_OUT"):
        parts.append(_failure(target, run))
    if run.status == "INTERRUPTED":
        parts.append(
            Text(
                "The process that ran it is gone (killed, or the machine went down). What was done "
                f"is kept.\nGo on where it stopped: sfnflow redrive {run.id}"
            )
        )
    if run.status == "ABORTED":
        parts.append(Text(f"{run.cause}\nGo on where it stopped: sfnflow redrive {run.id}"))
    return Group(*parts)


def document(target: Target, run: Run) -> dict[str, Any]:
    """The run for a program to read."""
    progress = target.progress(run)
    failed = target.tasks(run, failed=True)
    found = triage(target, run, progress) if run.status == "FAILED" else None
    return {
        "run": run._asdict(),
        "steps": [step._asdict() for step in progress],
        "failed_tasks": [task._asdict() for task in failed],
        "failure": None
        if found is None
        else {
            "task": found.task and found.task._asdict(),
            "reason": found.reason,
            "log": list(found.log),
        },
    }


def _steps(target: Target, run: Run) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=True, header_style="dim")
    for column in ("step", "tasks", "state", "retried", "time"):
        table.add_column(column, justify="right" if column == "retried" else "left")
    flow = target.flow_of(run)
    for step in target.progress(run):
        depth = flow.foreach_depth(flow.step(step.step))
        name = f"{'  ' * depth}{step.step}"
        retried = str(step.retried) if step.retried else ""
        table.add_row(name, _count(step), _state(step, run), retried, _time(step, run))
    head = Text.assemble(
        (f"{run.name} ", "bold"),
        f"version {run.version}  {run.id}  ",
        status_text(run.status),
        f"  {lasted(run.started, run.stopped)}",
    )
    return Group(head, table)


def _count(step: StepProgress) -> str:
    return f"{step.done} of {'?' if step.total is None else step.total}"


def _state(step: StepProgress, run: Run) -> Text:
    if step.total and step.done >= step.total:
        caught = (f", {step.caught} caught", "yellow") if step.caught else ""
        return Text.assemble(("done", "green"), caught)
    if run.status == "RUNNING" and (step.running or step.started) and not step.failed:
        return Text(f"{step.running} running", style="cyan")
    counts = [(step.failed, "failed", "bold red"), (step.terminated, "stopped", "yellow")]
    if run.status == "INTERRUPTED":
        counts.append((step.running, "interrupted", "bold yellow"))
    found = [Text(f"{count} {word}", style=style) for count, word, style in counts if count]
    if found:
        return Text(", ").join(found)
    return Text("waiting" if run.status == "RUNNING" else "not run", style="dim")


def _time(step: StepProgress, run: Run) -> str:
    over = step.total is not None and step.done + step.failed >= step.total
    return lasted(step.started, step.stopped if over or run.status != "RUNNING" else None)


def _worth_saying(step: StepProgress) -> bool:
    """Off a terminal a wide foreach says its tenths, not each of its tasks."""
    tenth = max(1, (step.total or 1) // 10)
    return step.done == step.total or step.done % tenth == 0


def _failure(target: Target, run: Run) -> RenderableType:
    found = triage(target, run, target.progress(run))
    if found.task is None:
        return Text(f"{run.error} {_plain_cause(run.cause)}".strip(), style="red")
    lines = [Text()]
    lines.append(
        Text.assemble(
            ("Failed: ", "bold red"),
            f"step {_place(found.task)}, task {found.task.id}, "
            f"attempt {found.task.attempt}, {found.reason or 'no exit code'}",
        )
    )
    lines += [Text(f"  {line}", style="red") for line in found.log]
    if found.tasks > 1:
        lines.append(Text(f"{found.done} of the {found.tasks} tasks of this step succeeded."))
    if found.left_out:
        lines.append(Text(f"\n{found.left_out}"))
    lines.append(Text(f"\nThe whole log:  sfnflow logs {run.id} {found.task.step}"))
    lines.append(Text(f"Fix it and go on from here:  sfnflow resume --origin-run-id {run.id}"))
    lines.append(Text(f"Try again as it is, in place:  sfnflow redrive {run.id}"))
    return Group(*lines)


def _place(task: Task) -> str:
    return f"{task.step}[{task.path.replace('.', '][')}]" if task.path else task.step


def _plain_cause(cause: str) -> str:
    """A Cause is shown only when it is a sentence: a job's holds its whole environment."""
    try:
        json.loads(cause)
    except ValueError:
        return cause
    return ""
