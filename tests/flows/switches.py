"""A switch that goes back to its own step, one inside a foreach, and a nested split."""

from metaflow import FlowSpec, step


class Switches(FlowSpec):
    @step
    def start(self):
        self.again = "no"
        self.next({"yes": self.start_over, "no": self.fan}, condition="again")

    @step
    def start_over(self):
        self.more = "no"
        self.next({"yes": self.start_over, "no": self.fan}, condition="more")

    @step
    def fan(self):
        self.items = [1, 2]
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.next(self.left, self.right)

    @step
    def left(self):
        self.kind = 1
        self.next({1: self.odd, 2: self.even}, condition="kind")

    @step
    def odd(self):
        self.next(self.inner)

    @step
    def even(self):
        self.next(self.inner)

    @step
    def right(self):
        self.next(self.inner)

    @step
    def inner(self, inputs):
        self.next(self.outer)

    @step
    def outer(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Switches()
