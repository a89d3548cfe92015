"""Much of what a flow file may hold at once: see the tests of loading."""

from __future__ import annotations

from dataclasses import dataclass

from metaflow import (
    Config,
    FlowMutator,
    FlowSpec,
    IncludeFile,
    JSONType,
    Parameter,
    StepMutator,
    batch,
    catch,
    config_expr,
    environment,
    kubernetes,
    project,
    resources,
    retry,
    schedule,
    step,
    timeout,
    user_step_decorator,
)
from parts.moments import describe_context

print("a flow may print while it is loaded")


@dataclass
class Item:
    x: int
    y: str = "z"


class AddEnvironment(StepMutator):
    def mutate(self, mutable_step):
        mutable_step.add_decorator("environment", deco_kwargs={"vars": {"ADDED": "by-mutator"}})


class AddParameter(FlowMutator):
    def pre_mutate(self, mutable_flow):
        mutable_flow.add_parameter("extra", Parameter("extra", default="mutated"), overwrite=True)

    def mutate(self, mutable_flow):
        for name, mutable_step in mutable_flow.steps:
            if name == "end":
                mutable_step.add_decorator("retry", deco_kwargs={"times": 3})


@user_step_decorator
def tell(step_name, flow, inputs=None, attributes=None):
    print("before", step_name)
    yield


class Base(FlowSpec):
    inherited = Parameter("inherited", default=1)

    @step
    def start(self):
        """Overridden below."""
        self.next(self.end)

    @step
    def end(self):
        """Inherited."""


class Decoy(Base):
    pass


@AddParameter
@schedule(cron="0 3 * * ? *", timezone="Europe/Helsinki")
@project(name="many_ways")
class ManyWays(Base):
    """All ways at once."""

    settings = Config("settings", default="settings.json")
    inline = Config("inline", default_value={"a": {"b": 1}})
    alpha = Parameter("alpha", default=0.5, help="How fast it learns.")
    needed = Parameter("needed", required=True, type=int, help="You must say.")
    flag = Parameter("flag", type=bool, default=True)
    document = Parameter("document", type=JSONType, default='{"a": [1, 2]}')
    nothing = Parameter("nothing", type=JSONType, default=None)
    words = Parameter("words", default="a,b", separator=",")
    when = Parameter("when", default=describe_context)
    cpus = Parameter("cpus", default=config_expr("settings.cpu"), type=int)
    renamed = Parameter("other-name", default="x")
    data = IncludeFile("data", default="data.txt")

    @batch(cpu=config_expr("settings.cpu"), image="python:3.11", queue="q")
    @retry(times=2, minutes_between_retries=0)
    @environment(vars={"FOO": "bar"})
    @step
    def start(self):
        """Begins."""
        self.items = [Item(1), Item(2)]
        self.next(self.work, foreach="items")

    @AddEnvironment
    @resources(memory=8000)
    @kubernetes(cpu=2, memory=1000)
    @timeout(minutes=2)
    @catch(var="error")
    @step
    def work(self):
        self.next(self.collect)

    @step
    def collect(self, inputs):
        self.next(self.fork)

    @step
    def fork(self):
        self.next(self.left, self.right)

    @step
    def left(self):
        self.kind = "a"
        self.next({"a": self.one, "b": self.other}, condition="kind")

    @step
    def one(self):
        self.next(self.met)

    @step
    def other(self):
        self.next(self.met)

    @step
    def met(self):
        self.next(self.meet)

    @tell
    @step
    def right(self):
        self.next(self.meet)

    @step
    def meet(self, inputs):
        self.next(self.end)


def main():
    try:
        ManyWays()
    except Exception as error:  # noqa: BLE001
        print("the flow's own handler", error)


if __name__ == "__main__":
    main()
