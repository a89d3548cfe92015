"""Production tokens, as Metaflow makes them: `namespace("production:<token>")` works in a notebook.

They are computed, not drawn, so that a dry run can say which one a first create will use. The
algorithm is metaflow.plugins.aws.step_functions.production_token's.
"""

import base64
import hashlib
import random
import string
import zlib

from sfnflow.graph import Flow


def machine_name(flow: Flow) -> str:
    """The name that a flow is deployed under: its own, or its project's, one for each branch."""
    return flow.project.flow_name if flow.project else flow.name


def first_token(flow: Flow) -> str:
    """The token of a flow that was never deployed; all flows of a project branch share one."""
    prefix = f"{_token_prefix(flow)}-0-"
    letters = random.Random(zlib.adler32(prefix.encode())).sample(string.ascii_lowercase, 4)
    return prefix + "".join(letters)


def _token_prefix(flow: Flow) -> str:
    if flow.project is None:
        return machine_name(flow).lower()
    branch = f"{flow.project.name}.{flow.project.branch}".encode()
    digest = base64.b32encode(hashlib.sha1(branch).digest()).decode()
    return f"mfprj-{digest[:16]}".lower()
