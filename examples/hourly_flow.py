"""A flow on a schedule, with steps that may fail, hang, or want more of a machine."""

import random

from metaflow import FlowSpec, catch, environment, resources, retry, schedule, step, timeout


@schedule(hourly=True)
class HourlyFlow(FlowSpec):
    """Runs every hour, once it is deployed to AWS."""

    @retry(times=3, minutes_between_retries=0)
    @step
    def start(self):
        """Tried again when it fails."""
        self.seed = random.random()
        self.next(self.guess)

    @catch(var="problem")
    @timeout(minutes=5)
    @resources(cpu=2, memory=8192)
    @environment(vars={"MODE": "production"})
    @step
    def guess(self):
        """A failure here is kept as an artifact, and the flow goes on."""
        import os

        self.mode = os.environ["MODE"]
        self.next(self.end)

    @step
    def end(self):
        """Says how it went."""
        print(f"{self.mode}: {self.problem or 'no problem'}")


if __name__ == "__main__":
    HourlyFlow()
