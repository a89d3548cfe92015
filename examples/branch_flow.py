"""Two branches that run at the same time and meet in a join."""

from metaflow import FlowSpec, step


class BranchFlow(FlowSpec):
    """Counts letters and words of a text, side by side."""

    @step
    def start(self):
        """Makes the text."""
        self.text = "a flow is a graph of steps"
        self.next(self.letters, self.words)

    @step
    def letters(self):
        """Counts letters."""
        self.count = sum(character.isalpha() for character in self.text)
        self.next(self.join)

    @step
    def words(self):
        """Counts words."""
        self.count = len(self.text.split())
        self.next(self.join)

    @step
    def join(self, inputs):
        """Puts the counts together."""
        self.counts = {"letters": inputs.letters.count, "words": inputs.words.count}
        self.next(self.end)

    @step
    def end(self):
        """Prints them."""
        print(self.counts)


if __name__ == "__main__":
    BranchFlow()
