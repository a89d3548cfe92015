"""A bug in step `b`: run it, read why it failed, mend it, resume."""

from metaflow import FlowSpec, step


class DebugFlow(FlowSpec):
    """Divides by zero in b, after a has done its long work."""

    @step
    def start(self):
        """Splits."""
        self.next(self.a, self.b)

    @step
    def a(self):
        """Works."""
        self.x = 1
        self.next(self.join)

    @step
    def b(self):
        """Has the bug."""
        self.x = int("2fail")
        self.next(self.join)

    @step
    def join(self, inputs):
        """Adds up."""
        self.total = inputs.a.x + inputs.b.x
        self.next(self.end)

    @step
    def end(self):
        """Prints."""
        print(f"a + b = {self.total}")


if __name__ == "__main__":
    DebugFlow()
