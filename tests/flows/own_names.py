"""Start and end under other names; the flow is started without a guard."""

from metaflow import FlowSpec, step


class Unused(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


class OwnNames(FlowSpec):
    @step(start=True)
    def begin(self):
        self.next(self.finish)

    @step(end=True)
    def finish(self):
        pass


OwnNames()
