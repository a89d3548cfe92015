"""Lets steps that ask for a cloud machine run on this one.

`@batch` and `@kubernetes` refuse a local datastore as soon as a flow is loaded. On the local target
their hooks do nothing; their attributes stay readable, since render makes job definitions of them.
"""

_HOOKS = (
    "step_init",
    "runtime_init",
    "runtime_task_created",
    "runtime_finished",
    "runtime_step_cli",
    "task_pre_step",
    "task_post_step",
    "task_decorate",
    "task_exception",
    "task_finished",
)


def run_everything_here() -> None:
    """Takes the hooks off `@batch` and `@kubernetes`; call it before the flow is loaded."""
    from metaflow.decorators import StepDecorator
    from metaflow.plugins.aws.batch.batch_decorator import BatchDecorator
    from metaflow.plugins.kubernetes.kubernetes_decorator import KubernetesDecorator

    for decorator in (BatchDecorator, KubernetesDecorator):
        for hook in _HOOKS:
            setattr(decorator, hook, getattr(StepDecorator, hook))
