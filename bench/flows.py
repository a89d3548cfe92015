"""The flows that are measured, written as a user would write them."""

from pathlib import Path

_FOREACH = '''\
"""{tasks} tasks that do next to nothing: what is left is the cost of running a task."""

import os

from metaflow import FlowSpec, step


class Foreach(FlowSpec):
    @step
    def start(self):
        self.items = list(range({tasks}))
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.value = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(task.value for task in inputs)
        peak_file = os.environ.get("BENCH_PEAK_FILE")
        if peak_file:
            with open("/proc/self/status") as status, open(peak_file, "w") as out:
                out.write(status.read())
        self.next(self.end)

    @step
    def end(self):
        assert self.total == {tasks} * ({tasks} - 1) // 2, self.total


if __name__ == "__main__":
    Foreach()
'''


def write_foreach(folder: Path, tasks: int) -> Path:
    """A foreach over `tasks` items, whose end fails unless every task has run exactly once.

    The join leaves its /proc status in the file that BENCH_PEAK_FILE names.
    """
    return _write(folder / f"foreach_{tasks}.py", _FOREACH.format(tasks=tasks))


def write_linear(folder: Path, steps: int) -> Path:
    """`steps` steps in a row. In a folder of its own, so that the code package is the flow alone."""
    names = ["start", *(f"step_{number}" for number in range(1, steps - 1)), "end"]
    following = [*(f"self.next(self.{name})" for name in names[1:]), "pass"]
    body = "\n".join(
        f"    @step\n    def {name}(self):\n        {action}\n"
        for name, action in zip(names, following, strict=True)
    )
    head = "from metaflow import FlowSpec, step\n\n\nclass Linear(FlowSpec):\n"
    tail = '\n\nif __name__ == "__main__":\n    Linear()\n'
    return _write(folder / f"linear_{steps}" / "flow.py", head + body + tail)


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
