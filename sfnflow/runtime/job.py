"""One job: finds its inputs, runs Metaflow's own `step`, hands over to what comes next.

The same code runs in a Batch container and in a process of the local target. What it is to do comes
in a few variables, written into the Task state by render:

    SFNFLOW_STEP, SFNFLOW_RUN, SFNFLOW_PATH   which task
    SFNFLOW_INPUT                             start only: the whole input of the execution, as JSON
    SFNFLOW_HAND_OVER                         the task is done, but was killed before it handed over
    AWS_BATCH_JOB_ID, AWS_BATCH_JOB_ATTEMPT   the task's id; the attempt, from 1 on
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sfnflow.runtime.folder import FolderStore
from sfnflow.runtime.ledger import Ledger, Note, last_index, parent_path
from sfnflow.runtime.parameters import init_arguments


class HandoffError(Exception):
    """A task's inputs are not where the tasks before it should have left them."""


@dataclass(frozen=True, slots=True)
class Job:
    """Which task to run. `attempt` counts from 0, as Metaflow does."""

    step: str
    run: str
    path: str
    task: str
    attempt: int
    input: str
    only_hand_over: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Job":
        """Reads the variables that the Task state and Batch have set."""
        return cls(
            step=environment["SFNFLOW_STEP"],
            run=environment["SFNFLOW_RUN"],
            path=environment.get("SFNFLOW_PATH", ""),
            task=environment["AWS_BATCH_JOB_ID"],
            attempt=int(environment["AWS_BATCH_JOB_ATTEMPT"]) - 1,
            input=environment.get("SFNFLOW_INPUT", "{}"),
            only_hand_over="SFNFLOW_HAND_OVER" in environment,
        )

    @property
    def run_id(self) -> str:
        """Metaflow's id of the run."""
        return f"sfn-{self.run}"


class JobRunner:
    """Runs jobs of one flow. `obj` is Metaflow's CLI state, `manifest` the package's."""

    def __init__(
        self, obj: Any, manifest: Mapping[str, Any], folder: str, store: FolderStore
    ) -> None:
        self._obj, self._manifest, self._folder, self._store = obj, manifest, folder, store

    def run(self, job: Job) -> bool:
        """Runs the task, then leaves a note for the next. Raises what the user's code raises.

        Returns whether the task is done only because `@catch` took what it raised.
        """
        ledger = Ledger(self._store, self._obj.flow.name, job.run)
        if job.only_hand_over:
            outcome = self._stored_outcome(job)
        else:
            self._step(job, self._inputs(job, ledger))
            flow = self._obj.flow
            outcome = getattr(flow, "_transition", None), getattr(flow, "_foreach_num_splits", None)
        self._hand_over(job, ledger, *outcome)
        # Not by getattr: a step inherits the artifact of the one before it.
        return vars(self._obj.flow).get("_catch_exception") is not None

    def _inputs(self, job: Job, ledger: Ledger) -> list[str]:
        """The pathspecs (run/step/task) that the step starts from, in Metaflow's order."""
        graph = self._obj.graph
        node = graph[job.step]
        if job.step == graph.start_step:
            return [self._init(job)]
        path = parent_path(job.path) if self._follows_foreach(job.step) else job.path
        found = list(ledger.read_inbox(job.step, path).values())
        if not found:
            raise HandoffError(
                f"No task has handed over to step {job.step} at index path '{path}'."
            )
        if node.type == "join" and graph[node.split_parents[-1]].type == "foreach":
            found.sort(key=lambda note: int(note.slot))
        else:
            found.sort(key=lambda note: note.step)  # as Metaflow's own scheduler orders branches
        return [f"{job.run_id}/{note.step}/{note.task}" for note in found]

    def _init(self, job: Job) -> str:
        """Writes the run's parameters as the task `_parameters`, once for all attempts."""
        task = f"{job.task}-params"
        if job.attempt == 0 or not self._has_task(job.run_id, "_parameters", task):
            from metaflow.cli_components.init_cmd import init

            args = ["--run-id", job.run_id, "--task-id", task, *self._tags()]
            args += init_arguments(job.input, self._manifest, self._folder, self._store)
            init.main(args, prog_name="init", obj=self._obj, standalone_mode=False)
        return f"{job.run_id}/_parameters/{task}"

    def _has_task(self, run_id: str, step: str, task: str) -> bool:
        from metaflow.datastore.exceptions import DataException

        try:
            self._obj.flow_datastore.get_task_datastore(run_id, step, task)
        except DataException:
            return False
        return True

    def _step(self, job: Job, inputs: list[str]) -> None:
        from metaflow import namespace
        from metaflow.cli_components.step_cmd import step

        args = [job.step, "--run-id", job.run_id, "--task-id", job.task]
        args += ["--retry-count", str(job.attempt)]
        args += ["--max-user-code-retries", str(self._user_code_retries(job.step))]
        if self._follows_foreach(job.step):
            args += ["--split-index", str(last_index(job.path))]
        if self._manifest["namespace"] is not None:
            # Not by `step --namespace`: to the Client API an empty name is a name, not "all of them".
            namespace(self._manifest["namespace"] or None)
        # No process is started for this, so the list may be as long as a join is wide.
        args += ["--input-paths", ",".join(inputs), *self._tags()]
        step.main(args, prog_name="step", obj=self._obj, standalone_mode=False)

    def _follows_foreach(self, step: str) -> bool:
        graph = self._obj.graph
        node = graph[step]
        return node.type != "join" and any(graph[p].type == "foreach" for p in node.in_funcs)

    def _user_code_retries(self, step: str) -> int:
        decorators = getattr(self._obj.flow, step).decorators
        return max((d.step_task_retry_count()[0] for d in decorators), default=0)

    def _tags(self) -> list[str]:
        return [part for tag in self._manifest["tags"] for part in ("--tag", tag)]

    def _stored_outcome(self, job: Job) -> tuple[Any, Any]:
        """Where a task that was killed after it was done goes next. HandoffError when it failed."""
        task = self._obj.flow_datastore.get_task_datastore(
            job.run_id, job.step, job.task, attempt=job.attempt
        )
        if not task.get("_task_ok"):
            raise HandoffError(f"Step {job.step} had failed before it was killed.")
        self._register(job, task)
        if any(d.name == "catch" for d in getattr(self._obj.flow, job.step).decorators):
            self._obj.flow._catch_exception = task.get("_catch_exception")
        return task.get("_transition"), task.get("_foreach_num_splits")

    def _register(self, job: Job, task: Any) -> None:
        """Tells Metaflow's metadata what TaskDataStore.done tells it only after its marker is there."""
        from metaflow.metadata_provider import DataArtifact, MetaDatum

        ids = job.run_id, job.step, job.task
        tags = [f"attempt_id:{job.attempt}"]
        done = MetaDatum("attempt-done", str(job.attempt), "attempt-done", tags)
        self._obj.metadata.register_metadata(*ids, [done])
        root = self._obj.flow_datastore.datastore_root
        artifacts = [
            DataArtifact(name, task.TYPE, root, None, task._info[name]["encoding"], sha)
            for name, sha in task._objects.items()
        ]
        self._obj.metadata.register_data_artifacts(*ids, job.attempt, artifacts)

    def _hand_over(self, job: Job, ledger: Ledger, transition: Any, splits: Any) -> None:
        """Leaves notes for the next steps, after the task itself is done: see runtime.ledger."""
        targets, foreach = transition or ((), None)
        if foreach:
            ledger.write_items(job.step, job.path, splits)
        for name in targets:
            following = self._obj.graph[name]
            if following.type == "join":
                path, slot = self._join_slot(job, following)
                ledger.leave_note(name, path, Note(slot, job.step, job.task))
            else:
                ledger.leave_note(name, job.path, Note("0", job.step, job.task))

    def _join_slot(self, job: Job, join: Any) -> tuple[str, str]:
        """The join's index path, and this task's place among its inputs."""
        graph = self._obj.graph
        split = graph[join.split_parents[-1]]
        if split.type == "foreach":
            return parent_path(job.path), str(last_index(job.path))
        mine = graph[job.step].split_branches
        return job.path, next(branch for branch in split.out_funcs if branch in mine)
