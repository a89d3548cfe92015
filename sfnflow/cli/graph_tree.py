"""A flow's graph as a tree: what runs in parallel is indented below the step that splits."""

from collections.abc import Iterator

from rich.text import Text
from rich.tree import Tree

from sfnflow.graph import Flow, Parameter, Step


def flow_tree(flow: Flow) -> Tree:
    """The whole graph; each step stands in it once, and where it is met again by name only."""
    tree = Tree(Text.assemble((flow.name, "bold"), _about(flow.doc)))
    _draw(tree, flow, flow.start, None, set())
    return tree


def parameter_lines(flow: Flow) -> Iterator[Text]:
    """One line for each parameter."""
    for parameter in flow.parameters:
        yield Text(f"parameter {parameter.name} ({parameter.kind}, {_default(parameter)})")


def _draw(tree: Tree, flow: Flow, first: str, stop: str | None, seen: set[str]) -> None:
    name: str | None = first
    while name is not None and name != stop:
        step = flow.step(name)
        if name in seen:
            tree.add(Text(f"→ {name}", style="dim"))
            return
        seen.add(name)
        node = tree.add(_label(step))
        if step.kind == "switch":
            for case, target in step.cases.items():
                arm = node.add(Text(f"{step.condition} = {case}", style="dim"))
                _draw(arm, flow, target, stop, seen)
            return
        for target in step.next if step.matching_join else ():
            _draw(node, flow, target, step.matching_join, seen)
        name = step.matching_join or next(iter(step.next), None)


def _label(step: Step) -> Text:
    decorators = " ".join(f"@{decorator.name}" for decorator in step.decorators)
    kind = f" foreach {step.foreach}" if step.kind == "foreach" else ""
    return Text.assemble(
        (step.name, "cyan"), kind, (f" {decorators}" if decorators else "", "dim"), _about(step.doc)
    )


def _default(parameter: Parameter) -> str:
    if parameter.must_be_given:
        return "required"
    return "no default" if parameter.default is None else f"default {parameter.default}"


def _about(doc: str) -> tuple[str, str]:
    line = doc.strip().partition("\n")[0]
    return (f"  {line}" if line else "", "dim")
