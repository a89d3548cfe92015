"""Parameters of every type, checked by `sfnflow trigger` before anything starts."""

from metaflow import FlowSpec, JSONType, Parameter, step


class ParameterFlow(FlowSpec):
    """Trains nothing with a learning rate, a name and some options."""

    alpha = Parameter("alpha", default=0.01, type=float, help="Learning rate")
    epochs = Parameter("epochs", default=3, type=int, help="How often to see the data")
    shuffle = Parameter("shuffle", default=True, type=bool, help="Whether to shuffle it")
    run_name = Parameter("run-name", default="baseline", help="What to call the result")
    layers = Parameter("layers", default="64,32", separator=",", help="Sizes of the layers")
    options = Parameter("options", type=JSONType, default='{"seed": 7}', help="Anything else")

    @step
    def start(self):
        """Shows what it was given."""
        print(f"{self.run_name}: alpha={self.alpha} epochs={self.epochs} layers={self.layers}")
        self.losses = [1.0]
        self.next(self.train)

    @step
    def train(self):
        """Halves the loss, faster with a larger alpha."""
        for _ in range(self.epochs):
            self.losses.append(self.losses[-1] * (1 - self.alpha))
        self.next(self.end)

    @step
    def end(self):
        """Says how far it came."""
        print(f"loss {self.losses[-1]:.4f} with seed {self.options['seed']}")


if __name__ == "__main__":
    ParameterFlow()
