from metaflow import FlowSpec, step


class SingleStep(FlowSpec):
    @step
    def only(self):
        self.done = True


if __name__ == "__main__":
    SingleStep()
