"""Every example, deployed and run as a newcomer would, gives what `python flow.py run` gives."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.conftest import EXAMPLES, Cli

WORKING = sorted(path.name for path in EXAMPLES.glob("*_flow.py") if path.name != "debug_flow.py")

ARTIFACTS = """
    import json
    from metaflow import Run, namespace
    namespace(None)
    run = Run("{flow}/{run}")
    found = {{}}
    for step in run:
        tasks = sorted(step, key=lambda t: t.metadata_dict.get("foreach-execution-path", ""))
        found[step.id] = [
            {{a.id: repr(a.data) for a in task if a.id not in ("seed", "origin")}} for task in tasks
        ]
    print(json.dumps({{"successful": run.successful, "artifacts": found}}))
"""


@pytest.mark.parametrize("name", WORKING)
def test_same_artifacts_as_metaflows_own_run(
    cli: Cli, example: Callable[[str], str], name: str
) -> None:
    example(name)
    example("words.txt")
    run = cli.create_and_run(name)
    flow = cli.ok("runs", _flow_name(name), "--json").json["runs"][0]["flow"]
    subprocess.run(
        [sys.executable, name, "--no-pylint", "run", "--run-id-file", "their-run"],
        cwd=cli.folder,
        env={**cli.env, "METAFLOW_USER": "tester", "METAFLOW_DEFAULT_DATASTORE": "local"},
        check=True,
        capture_output=True,
    )
    theirs = cli.python(
        ARTIFACTS.format(flow=flow, run=(cli.folder / "their-run").read_text().strip())
    )
    ours = cli.python(ARTIFACTS.format(flow=flow, run=run))
    assert ours["successful"]
    assert ours == theirs


def _flow_name(file: str) -> str:
    return "".join(word.capitalize() for word in file.removesuffix(".py").split("_"))


def test_the_bug_in_b_is_explained_and_resumed(cli: Cli, example: Callable[[str], str]) -> None:
    example("debug_flow.py")
    cli.ok("create", "debug_flow.py")
    failed = cli("trigger", "DebugFlow", "--wait")
    run = failed.out.strip()
    assert failed.code == 1
    assert "Failed: step b, task " in failed.err
    assert "ValueError: invalid literal for int() with base 10: '2fail'" in failed.err
    assert f"sfnflow resume --origin-run-id {run}" in failed.err

    status = cli.ok("status", run, "--json").json
    task = status["failure"]["task"]
    assert (task["step"], task["exit_code"], task["attempt"]) == ("b", 1, 1)

    flow = cli.folder / "debug_flow.py"
    flow.write_text(flow.read_text().replace('int("2fail")', "2"))
    resumed = cli.ok("resume", "--origin-run-id", run)
    assert "a + b = 3" in resumed.out
    assert f"Cloning previously run task {run}/start/" in resumed.out
    assert "/b/" in resumed.out and f"{run}/b/" not in resumed.out


def test_everything_is_read_in_the_production_namespace(
    cli: Cli, example: Callable[[str], str]
) -> None:
    example("foreach_flow.py")
    created = cli.ok("create", "foreach_flow.py", "--tag", "team:growth", "--json").json
    run = cli.ok("trigger", "ForeachFlow", "-p", "count=3", "--wait").out.strip()
    found = cli.python(
        f"""
        import json
        from metaflow import Flow, namespace
        namespace({created["namespace"]!r})
        run = Flow("ForeachFlow").latest_run
        print(json.dumps({{
            "id": run.id, "successful": run.successful, "tags": sorted(run.user_tags),
            "squares": run.data.squares, "params": run["_parameters"].task.data.count,
            "stdout": run["end"].task.stdout, "tasks": [t.id for t in run["square"]],
        }}))
        """
    )
    assert found["id"] == run
    assert found["squares"] == [0, 1, 4]
    assert found["params"] == 3
    assert found["tags"] == ["team:growth"]
    assert found["stdout"] == "the sum of 3 squares is 5\n"
    listed = cli.ok("logs", run, "end", "--no-follow")
    assert listed.out.rstrip().endswith("the sum of 3 squares is 5")
    steps = {step["step"]: step for step in cli.ok("status", run, "--json").json["steps"]}
    assert (steps["square"]["done"], steps["square"]["total"]) == (3, 3)
    assert len(found["tasks"]) == 3
