"""A foreach: as many tasks as there are items, at most `--max-workers` at once."""

from metaflow import FlowSpec, Parameter, step


class ForeachFlow(FlowSpec):
    """Squares numbers, each in a task of its own."""

    count = Parameter("count", default=10, help="How many numbers")

    @step
    def start(self):
        """Makes the numbers."""
        self.numbers = list(range(self.count))
        self.next(self.square, foreach="numbers")

    @step
    def square(self):
        """Squares one of them."""
        self.result = self.input**2
        self.next(self.join)

    @step
    def join(self, inputs):
        """Collects the squares, in the order of the numbers."""
        self.squares = [task.result for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Adds them up."""
        print(f"the sum of {len(self.squares)} squares is {sum(self.squares)}")


if __name__ == "__main__":
    ForeachFlow()
