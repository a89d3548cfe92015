"""A deploy-time parameter: a function that is evaluated once, when the flow is created."""

from pathlib import Path

from metaflow import FlowSpec, IncludeFile, Parameter, step

WORDS = str(Path(__file__).with_name("words.txt"))


def deployed_by(context):
    """Metaflow hands over its context: the flow's name, the user, the parameter's name."""
    return f"{context.flow_name} of {context.user_name}"


class DeployTimeFlow(FlowSpec):
    """Keeps what was true, and what a file said, when it was deployed."""

    origin = Parameter("origin", default=deployed_by, help="Fixed by `create`")
    words = IncludeFile("words", default=WORDS, help="Its content at `create`")

    @step
    def start(self):
        """Reads both."""
        self.lines = self.words.splitlines()
        self.next(self.end)

    @step
    def end(self):
        """Prints both."""
        print(f"{self.origin}: {self.lines}")


if __name__ == "__main__":
    DeployTimeFlow()
