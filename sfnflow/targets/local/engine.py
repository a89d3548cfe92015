"""`python -P -m sfnflow.targets.local.engine HOME-SETTINGS EXECUTION LOCK-FD`: runs one execution to its end.

A process of its own, in a session of its own: it outlives the command and the terminal that started
it. It holds the run's lock (inherited from that command, so that there is no moment without it), and
so does every process it starts: while anyone holds it, the run is being worked on.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sfnflow.asl import StateMachine
from sfnflow.config import LocalSettings, RenderSettings
from sfnflow.runtime.process import adopt_orphans, kill_children
from sfnflow.targets.local.database import Database
from sfnflow.targets.local.execution import Outcome
from sfnflow.targets.local.interpreter import execute
from sfnflow.targets.local.jobs import Execution, Jobs
from sfnflow.targets.local.journal import Journal
from sfnflow.targets.local.layout import Layout
from sfnflow.targets.local.record import Record, read_records
from sfnflow.targets.local.store import Store
from sfnflow.targets.local.warm import WarmPool
from sfnflow.targets.local.world import LocalWorld

ARN = "arn:aws:states:local:000000000000"


def main(settings: LocalSettings, name: str, lock: int) -> None:
    """Runs the execution `name`, which has been recorded as running, and records its end."""
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    adopt_orphans()
    database = Database(settings.home)
    store = Store(database)
    halfway = _recover(store, Layout(settings), name)
    try:
        status, error, cause = asyncio.run(_run(settings, database, store, name, lock, halfway))
    except Exception as bug:
        store.end_execution(name, "FAILED", "States.Runtime", f"sfnflow: {bug!r}", time.time())
        raise
    store.end_execution(name, status, error, cause, time.time())


def _recover(store: Store, layout: Layout, name: str) -> dict[str, Record]:
    """Takes in what jobs did that a killed engine did not live to record, and clears up after them.

    Returns, by place, those that were killed after their task was done, but before they handed over.
    """
    shutil.rmtree(layout.scratch(name), ignore_errors=True)
    records = read_records(layout.done(name))
    done = {record.id: record for record in records if record.state == "done"}
    store.recover_successes(name, list(done.values()), time.time())
    flow = store.execution(name)["flow"]
    known = {*done, *store.failed_by_themselves(name)}
    return {
        record.place: record
        for record in records
        if record.id not in known
        and layout.done_marker(flow, name, record.step, record.id, record.attempt - 1).exists()
    }


async def _run(
    settings: LocalSettings,
    database: Database,
    store: Store,
    name: str,
    lock: int,
    halfway: dict[str, Record],
) -> tuple[str, str, str]:
    row = store.execution(name)
    version = store.version(row["machine"], row["version"])
    layout = Layout(settings)
    base = job_environment(settings, name, version["token"], version["owner"])
    pool = WarmPool(base, layout.run(name), lock)
    journal = Journal(database, name)
    execution = Execution(name, row["flow"], layout, settings.slots, halfway)
    world = LocalWorld(layout, Jobs(execution, store, journal, pool), journal)
    work = asyncio.create_task(
        execute(
            StateMachine.model_validate_json(version["definition"]),
            name=name,
            arn=f"{ARN}:execution:{row['machine']}:{name}",
            input=json.loads(row["input"]),
            started=datetime.fromtimestamp(row["started"], UTC).isoformat(),
            world=world,
        )
    )
    stop = _once(work.cancel)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: None)
    try:
        outcome: Outcome = await work
        return outcome.status, outcome.error, outcome.cause
    except asyncio.CancelledError:
        return "ABORTED", "States.Aborted", "Stopped by the user."
    finally:
        await pool.close()
        kill_children()  # what a warmed process that was killed had adopted
        shutil.rmtree(layout.scratch(name), ignore_errors=True)
        journal.flush()


def _once(action: Callable[[], object]) -> Callable[[], None]:
    """An action that is done at the first call: a second signal must not cut the stopping short."""
    calls = iter((action,))

    def call() -> None:
        for first in calls:
            first()

    return call


def job_environment(
    settings: LocalSettings, name: str, token: str, owner: str
) -> Mapping[str, str]:
    """The environment of every job: this one's, with Metaflow pointed at the local target.

    METAFLOW_USER is "SFN" as in Metaflow's own Step Functions jobs; the production token puts the run
    in its production namespace.
    """
    layout = Layout(settings)
    render = RenderSettings()
    return {
        **os.environ,
        "METAFLOW_USER": "SFN",
        "METAFLOW_OWNER": owner,
        "METAFLOW_PRODUCTION_TOKEN": token,
        "METAFLOW_DEFAULT_DATASTORE": "local",
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(settings.metaflow_root),
        "SFNFLOW_DATASTORE_FOLDER": str(settings.datastore),
        "SFNFLOW_LEDGER_FOLDER": str(layout.bucket(render.bucket) / render.prefix),
        "SFNFLOW_DONE_FILE": str(layout.done(name)),
    }


if __name__ == "__main__":
    main(LocalSettings.model_validate_json(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
