"""Production tokens are the ones that Metaflow's plugin would make."""

import pytest
from metaflow.plugins.aws.step_functions.production_token import new_token

from sfnflow.graph import Flow, Project, Step
from sfnflow.tokens import first_token, machine_name

STEPS = (Step(name="start", kind="end"),)


@pytest.mark.parametrize("name", ["ParameterFlow", "X", "Some_Long_Name_With_9"])
def test_same_as_metaflows(name: str) -> None:
    flow = Flow(name=name, file="f.py", start="start", end="start", steps=STEPS)
    assert first_token(flow) == new_token(name.lower())
    assert machine_name(flow) == name


def test_flows_of_a_project_branch_share_a_token() -> None:
    def flow(name: str, branch: str) -> Flow:
        project = Project(
            name="shop", branch=branch, flow_name=f"shop.{branch}.{name}", production=False
        )
        return Flow(
            name=name, file="f.py", start="start", end="start", steps=STEPS, project=project
        )

    assert first_token(flow("A", "prod")) == first_token(flow("B", "prod"))
    assert first_token(flow("A", "prod")) != first_token(flow("A", "user.x"))
    assert first_token(flow("A", "prod")).startswith("mfprj-")
    assert machine_name(flow("A", "prod")) == "shop.prod.A"
