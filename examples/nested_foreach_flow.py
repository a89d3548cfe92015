"""A foreach inside of a foreach, with a split inside of both."""

from metaflow import FlowSpec, step


class NestedForeachFlow(FlowSpec):
    """Scores each model on each fold, by two measures."""

    @step
    def start(self):
        """Names the models."""
        self.models = ["linear", "tree", "forest"]
        self.next(self.train, foreach="models")

    @step
    def train(self):
        """Fans out again, over the folds."""
        self.model = self.input
        self.folds = [1, 2]
        self.next(self.evaluate, foreach="folds")

    @step
    def evaluate(self):
        """Takes one model and one fold."""
        self.fold = self.input
        self.next(self.precision, self.recall)

    @step
    def precision(self):
        """The first measure."""
        self.score = len(self.model) * self.fold
        self.next(self.measured)

    @step
    def recall(self):
        """The second."""
        self.score = len(self.model) + self.fold
        self.next(self.measured)

    @step
    def measured(self, inputs):
        """Joins the two measures of a fold."""
        self.scores = (inputs.precision.score, inputs.recall.score)
        self.merge_artifacts(inputs, include=["model"])
        self.next(self.folded)

    @step
    def folded(self, inputs):
        """Joins the folds of a model."""
        self.model = inputs[0].model
        self.scores = [task.scores for task in inputs]
        self.next(self.collect)

    @step
    def collect(self, inputs):
        """Joins the models."""
        self.table = {task.model: task.scores for task in inputs}
        self.next(self.end)

    @step
    def end(self):
        """Prints the table."""
        print(self.table)


if __name__ == "__main__":
    NestedForeachFlow()
