"""The examples are the goldens: each renders to the JSON beside it. `make golden` rewrites them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint_all
from moto.stepfunctions.parser.asl.parse.asl_parser import (
    AmazonStateLanguageParser,
    ASLParserException,
)

from sfnflow.asl import MapState, ParallelState, State, StateMachine, walk_states
from sfnflow.config import RenderSettings
from sfnflow.load.loader import load_flow
from sfnflow.render import render
from sfnflow.targets.local.supported import check_supported
from tests.conftest import EXAMPLES

NAMES = sorted(path.stem for path in EXAMPLES.glob("*_flow.py"))
# Not the package's real id: that changes with every file of the folder.
CODE = "0123456789abcdef"


def _render(name: str) -> StateMachine:
    loaded = load_flow(EXAMPLES / f"{name}.py")
    return render(loaded.flow, RenderSettings(), CODE).machine


@pytest.mark.parametrize("name", NAMES)
def test_example_renders_to_its_golden(name: str) -> None:
    text = _render(name).to_json(indent=2) + "\n"
    golden = EXAMPLES / f"{name}.json"
    if os.environ.get("SFNFLOW_WRITE_GOLDENS"):
        golden.write_text(text)
    assert golden.exists(), "no golden: run `make golden`, read it, commit it"
    assert text == golden.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_golden_is_a_valid_state_machine(name: str) -> None:
    definition = json.loads((EXAMPLES / f"{name}.json").read_text())
    assert _cfn_lint(definition) == []
    AmazonStateLanguageParser.parse(json.dumps(definition))
    machine = StateMachine.model_validate(definition)
    assert json.loads(machine.to_json()) == definition
    assert check_supported(machine) == []
    _assert_transitions_exist(machine.start_at, machine.states)


def test_an_invalid_state_machine_is_noticed() -> None:
    definition = json.loads((EXAMPLES / "branch_flow.json").read_text())
    definition["States"]["start"]["Type"] = "Tusk"
    assert _cfn_lint(definition) != []
    with pytest.raises(ASLParserException):
        AmazonStateLanguageParser.parse(json.dumps(definition))


def test_equal_input_renders_equal_bytes() -> None:
    code = (
        "from tests.golden.test_goldens import _render\n"
        "print(_render('nested_foreach_flow').to_json())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parent.parent.parent,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_step_takes_less_than_900_bytes(name: str) -> None:
    machine = _render(name)
    steps = sum(state.type == "Task" for _, state in walk_states(machine.states))
    assert len(machine.to_json()) / steps < 900


def _cfn_lint(definition: dict[str, Any]) -> list[str]:
    """What cfn-lint's rule for state machine definitions (E3601) says."""
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "RoleArn": "arn:aws:iam::123456789012:role/machine",
                    "Definition": definition,
                },
            }
        },
    }
    found = lint_all(json.dumps(template))
    return [f"{match.rule.id} {match.message}" for match in found if match.rule.id[0] == "E"]


def _assert_transitions_exist(start_at: str, states: dict[str, State]) -> None:
    assert start_at in states
    for state in states.values():
        following = getattr(state, "next", None)
        assert following is None or following in states
        if isinstance(state, ParallelState):
            for branch in state.branches:
                _assert_transitions_exist(branch.start_at, branch.states)
        if isinstance(state, MapState):
            inner = state.item_processor
            _assert_transitions_exist(inner.start_at, inner.states)
