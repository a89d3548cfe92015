"""Files that do not load: the user's own error, the exit code, and never a traceback of ours."""

import ctypes
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli, Result

Write = Callable[[str, str], Path]

STEPS = """
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    F()
"""
HEAD = "from metaflow import *\n"
GOOD = f"{HEAD}\nclass F(FlowSpec):{STEPS}"  # the class is in line 3
LINT = f"""{HEAD}
class F(FlowSpec):
    @step
    def start(self):
        self.next(self.a, self.b, self.nowhere, self.neither)

    @step
    def a(self):
        self.next(self.a2)

    @step
    def a2(self):
        pass

    @step
    def b(self):
        self.next(self.gone)

    @step
    def orphan(self):
        self.next(self.stray)

    @step
    def stray(self):
        self.next(self.b)

    @step
    def Loud(self, one, two):
        self.next(self.b)

if __name__ == "__main__":
    F()
"""
UNJOINED = f"""{HEAD}
class F(FlowSpec):
    @step
    def start(self):
        self.next(self.a, self.b)

    @step
    def a(self):
        self.next(self.end)

    @step
    def b(self):
        self.next(self.end)

    @step
    def end(self):
        pass

F()
"""
LOOP = UNJOINED.replace("self.a, self.b", "self.a").replace("self.end", "self.b", 1)
LOOP = LOOP.replace("self.next(self.end)", "self.next(self.a)")


def has(*lines: str) -> str:
    """A flow with these lines in its class, from line 4 on."""
    return GOOD.replace("FlowSpec):", "FlowSpec):\n    " + "\n    ".join(lines), 1)


def before(*lines: str) -> str:
    """A flow file that begins with these lines."""
    return "\n".join(lines) + "\n" + GOOD


# name: (text of flow.py, exit code, what is said)
BAD: dict[str, tuple[str, int, list[str]]] = {
    "empty": ("", 1, ["There is no flow in flow.py: it defines no FlowSpec."]),
    "no flow": ("x = 1\n", 1, ["There is no flow in flow.py"]),
    "not started": (
        GOOD.replace("    F()", "    pass"),
        1,
        ["flow.py defines F but does not start it.", 'if __name__ == "__main__": F()'],
    ),
    "syntax": (GOOD.replace("start(self)", "start(self"), 1, ["flow.py:5 is not valid Python: "]),
    "null byte": ("x = 1\0\n", 1, ["flow.py is not valid Python"]),
    "missing import": (
        before("import nosuchmodule"),
        1,
        ["flow.py:1: ModuleNotFoundError: No module named 'nosuchmodule'", "Install what provides"],
    ),
    "missing import of a helper": (
        before("import helper"),
        1,
        ["helper.py:2: ModuleNotFoundError: No module named 'nosuchmodule'", "import helper"],
    ),
    "helper with a syntax error": (before("import broken"), 1, ["broken.py:1 is not valid Python"]),
    "missing name": (
        before("from os import nosuchname"),
        1,
        ["flow.py:1: ImportError: cannot import name 'nosuchname'"],
    ),
    "exception": (before("", "1 / 0"), 1, ["flow.py:2: ZeroDivisionError: division by zero"]),
    "exit": (before("import sys; sys.exit(7)"), 1, ["called sys.exit", "flow.py:1: exit code 7"]),
    "exit 0": (before("raise SystemExit"), 1, ["flow.py:1: exit code 0"]),
    "exit with words": (before("import sys; sys.exit('no way')"), 1, ["flow.py:1: no way"]),
    "recursion": (
        before("def f(): f()", "f()"),
        1,
        ["flow.py:1: RecursionError: maximum recursion depth", "more times]"],
    ),
    "recursion through C": (
        before("def f(_): sorted([1], key=f)", "f(0)"),
        1,
        ["flow.py:1: RecursionError: maximum recursion depth"],
    ),
    "keyboard interrupt": (before("raise KeyboardInterrupt"), 1, ["flow.py:1: KeyboardInterrupt"]),
    "os._exit": (before("import os; os._exit(3)"), 1, ["flow.py ended", "with exit code 3."]),
    "killed": (before("import os; os.kill(os.getpid(), 11)"), 1, ["by the signal SIGSEGV"]),
    "retry": (
        GOOD.replace("@step", "@retry(times=99)\n    @step", 1),
        1,
        ["flow.py:4: step start: The maximum number of retries is @retry(times=4)."],
    ),
    "decorator attribute": (
        GOOD.replace("@step", "@retry(tmies=9)\n    @step", 1),
        1,
        ["flow.py:4: Decorator 'retry' does not support the attribute 'tmies'", "times, minutes_"],
    ),
    "unknown decorator": (
        GOOD.replace("@step", "@rerty\n    @step", 1),
        1,
        ["flow.py:4: NameError: name 'rerty' is not defined"],
    ),
    "conda": (
        GOOD.replace("@step", "@conda\n    @step", 1),
        1,
        ["sfnflow has no --environment yet"],
    ),
    "config file": (
        has('cfg = Config("cfg", default="none.json")'),
        2,
        [
            "default configuration file 'none.json' could not be read for 'cfg'",
            "--config NAME=FILE",
        ],
    ),
    "config required": (
        has('cfg = Config("cfg", required=True)'),
        2,
        ["missing configuration for 'cfg'", "--config NAME=FILE"],
    ),
    "config expression": (
        has(
            'cfg = Config("cfg", default_value={"a": 1})',
            'p = Parameter("p", default=config_expr("cfg.b"))',
        ),
        1,
        ["flow.py:5: parameter p: config_expr('cfg.b'): AttributeError: b"],
    ),
    "config beyond JSON": (
        has('cfg = Config("cfg", default_value="x", plain=True, parser=lambda text: {1j})'),
        1,
        ["Config cfg: tasks get it as JSON, which cannot hold it"],
    ),
    "deploy-time function": (
        has('p = Parameter("p", default=lambda context: 1 / 0)'),
        1,
        ["flow.py:4: parameter p: its deploy-time function failed at flow.py:4: ZeroDivisionError"],
    ),
    "deploy-time type": (
        has('p = Parameter("p", type=int, default=lambda context: "x")'),
        1,
        ["flow.py:4: parameter p: The value returned by the deploy-time function", "a int"],
    ),
    "included file": (
        has('p = IncludeFile("p", default="none.txt")'),
        1,
        ["flow.py:4: parameter p: its default file ", "none.txt does not exist"],
    ),
    "included file's function": (
        has('p = IncludeFile("p", default=lambda context: 1 / 0)'),
        1,
        ["flow.py:4: parameter p: its deploy-time function failed at flow.py:4: ZeroDivisionError"],
    ),
    "reserved parameter": (
        has('p = Parameter("with")'),
        1,
        ["flow.py:4: parameter with: Parameter name 'with' is a reserved word"],
    ),
    "same parameter twice": (
        has('p = Parameter("p")', 'q = Parameter("P")'),
        1,
        ["flow.py:5: parameter P: there is another of that name"],
    ),
    "default of another type": (
        has('p = Parameter("p", type=int, default="x")'),
        1,
        ["flow.py:4: parameter p: its default does not fit its type: x is not a valid integer"],
    ),
    "several parameters": (
        has(
            'p = Parameter("p", default=lambda context: 1 / 0)',
            'q = IncludeFile("q", default="none.txt")',
        ),
        1,
        ["flow.py has 2 problems", "flow.py:4: parameter p", "flow.py:5: parameter q"],
    ),
    "unjoined": (
        UNJOINED,
        1,
        ["flow.py has a problem", "flow.py:17: The terminal step end was reached before a split"],
    ),
    "loop": (LOOP, 1, ["flow.py:10: There is a loop in your flow: b->a->b"]),
}


def assert_explained(result: Result, code: int, *said: str) -> None:
    for text in said:
        assert text in result.err, f"{text!r} is not said in:\n{result.err}"
    assert result.code == code
    assert result.out == ""
    assert len(re.findall("^Error: ", result.err, re.M)) == 1 and "\nHint: " in result.err
    assert "Traceback" not in result.err and "sfnflow/" not in result.err
    assert "metaflow/" not in result.err


@pytest.mark.parametrize("name", BAD)
def test_the_user_is_told_what_where_and_how_to_go_on(name: str, cli: Cli, write: Write) -> None:
    text, code, said = BAD[name]
    write("helper.py", "import os\nimport nosuchmodule\n")
    write("broken.py", "def f(:\n")
    write("flow.py", text)
    assert_explained(cli("create", "flow.py"), code, *said)


def test_all_that_lint_finds_is_told_at_once(cli: Cli, write: Write) -> None:
    write("flow.py", LINT)
    result = cli("create", "flow.py", "--only-json")
    assert_explained(
        result,
        1,
        "flow.py has 10 problems",
        "flow.py:3: Your flow must have exactly one end step.",
        "flow.py:6: Step start specifies a self.next() transition to an unknown step, nowhere.",
        "flow.py:6: Step start specifies a self.next() transition to an unknown step, neither.",
        "flow.py:13: Step a2 is missing a self.next() transition",
        "flow.py:18: Step b specifies a self.next() transition to an unknown step, gone.",
        "flow.py:21: Step orphan is unreachable",
        "flow.py:25: Step stray is unreachable",
        "flow.py:29: Step Loud has an invalid name.",
        "flow.py:29: Step Loud has too many arguments.",
        "flow.py:29: Step Loud is unreachable",
    )


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--with", "rerty"], 2, "--with rerty: Unknown step decorator rerty."),
        (["--with", "retry:tims=3"], 2, "Decorator 'retry' does not support the attribute 'tims'"),
        (["--with", "retry:times"], 2, "--with retry:times: ValueError"),
        (["--with", "retry:times=9"], 2, "--with retry: The maximum number of retries is"),
        (["--config-value", "cfg={a"], 2, "configuration value for 'cfg' is not valid JSON"),
        (["--config", "cfg=none.json"], 2, "'none.json' could not be read for 'cfg'"),
        (["--config", "nope=none.json"], 2, "invalid choice: nope. (choose from cfg)"),
        (["--branch", "b"], 2, "flow.py takes no --branch."),
        (["--production"], 2, "need @project"),
    ],
)
def test_options_that_do_not_fit(
    options: list[str], code: int, said: str, cli: Cli, write: Write
) -> None:
    write("flow.py", has('cfg = Config("cfg", default_value={})'))
    assert_explained(cli("create", "flow.py", *options), code, said)


def test_files_that_are_none(cli: Cli, write: Write) -> None:
    write("sub/my_flow.py", GOOD)
    assert_explained(
        cli("create", "sub/my_flwo.py"), 2, "no file sub/my_flwo.py", "sub/my_flow.py?"
    )
    assert_explained(cli("create", "nowhere/flow.py"), 2, "no file", "cannot be read")
    assert_explained(cli("create", "sub"), 2, "sub is a folder", "my_flow.py")
    assert_explained(cli("create", "/dev/null"), 2, "/dev/null is not a file")


def test_a_file_that_may_not_be_read(cli: Cli, write: Write) -> None:
    write("flow.py", GOOD).chmod(0)
    process = subprocess.run(
        [sys.executable, "-m", "sfnflow", "create", "flow.py"],
        cwd=cli.folder,
        env=cli.env,
        capture_output=True,
        text=True,
        preexec_fn=_as_anyone,
        check=False,
    )
    result = Result(process.returncode, process.stdout, process.stderr)
    assert_explained(result, 2, "path 'flow.py' is not readable")


def _as_anyone() -> None:
    """Takes from root what lets it read any file: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""
    if os.geteuid() == 0:
        for capability in (1, 2):
            ctypes.CDLL(None).prctl(24, capability)  # PR_CAPBSET_DROP


UNRULY = {
    "prints 1 MB": ["import sys", "sys.stdout.write('x' * 2**20)"],
    "writes binary": ["import os", "os.write(1, bytes(range(256)))"],
    "closes its output": ["import os, sys", "sys.stdout.close()", "os.closerange(0, 256)"],
    "leaves a thread": [
        "import threading, time",
        "threading.Thread(target=time.sleep, args=(1000,)).start()",
    ],
    "leaves a process": ["import subprocess", "subprocess.Popen(['sleep', '3'])"],
    "leaves a pool": ["import multiprocessing", "pool = multiprocessing.Pool(1)"],
    "never ends its exit": ["import atexit, time", "atexit.register(time.sleep, 1000)"],
    "changes its arguments": ["import sys", "sys.argv.clear()"],
    "changes the folder": ["import os", "os.chdir('/')"],
}


@pytest.mark.parametrize("name", UNRULY)
def test_an_unruly_file_loads(name: str, cli: Cli, write: Write) -> None:
    write("flow.py", before(*UNRULY[name]))
    command = f"{sys.executable} -m sfnflow create flow.py --only-json >out 2>/dev/null"
    begun = time.monotonic()
    subprocess.run(command, shell=True, cwd=cli.folder, env=cli.env, check=True, timeout=60)
    assert Result(0, (cli.folder / "out").read_text(), "").json["StartAt"] == "start"
    assert time.monotonic() - begun < 30


def test_a_file_that_forks_answers_once(cli: Cli, write: Write) -> None:
    write("flow.py", before("import os, time", "os.fork() or time.sleep(1)"))
    result = cli.ok("create", "flow.py", "--only-json")  # reads until the fork has ended, too
    assert result.json["StartAt"] == "start"
    assert result.err == ""


def test_exit_handlers_of_the_file_run(cli: Cli, write: Write) -> None:
    write("flow.py", before("import atexit, pathlib", "atexit.register(pathlib.Path('x').touch)"))
    cli.ok("create", "flow.py", "--only-json")
    assert (cli.folder / "x").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_load_that_hangs_ends_with_the_command(
    number: signal.Signals, cli: Cli, write: Write
) -> None:
    write(
        "flow.py",
        textwrap.dedent("""\
        import os, time
        open("loading", "w").write(str(os.getpid()))
        os.rename("loading", "pid")
        time.sleep(1000)
        """),
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "sfnflow", "create", "flow.py"],
        cwd=cli.folder,
        env=cli.env,
        stderr=subprocess.PIPE,
        text=True,
    )
    _until((cli.folder / "pid").exists)
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    child = int((cli.folder / "pid").read_text())
    _until(lambda: not Path(f"/proc/{child}/cmdline").exists())
    assert "Traceback" not in said
    if number == signal.SIGINT:
        assert process.returncode == 130


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)
