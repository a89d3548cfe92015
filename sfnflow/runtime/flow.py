"""`python -m sfnflow.runtime.flow FLOW.py ARGS`: one of Metaflow's own commands, all of it on this machine."""

import sys

from sfnflow.runtime.compute import run_everything_here
from sfnflow.runtime.host import run_flow_command

if __name__ == "__main__":
    sys.exit(run_flow_command(sys.argv[1], sys.argv[2:], run_everything_here))
