"""The files of the code package, by Metaflow's own rules, less Metaflow itself."""

import functools
import os
from collections.abc import Iterator
from typing import Any

File = tuple[str, str]
"""(path, name in the package)"""


def code_files(obj: Any, script: str) -> list[File]:
    """What a task needs of the user's code. Where two have one name, the last counts."""
    package = _listing(obj)
    folder = os.path.dirname(script)
    user = [f for f in package._user_code_tuples() if not _in_venv(f[0], folder)]
    found = [*user, *_beside_target(package, script), *_modules(package)]
    # A link to nowhere or a socket cannot be packaged, and nothing can have been loaded from it.
    files = [(path, name) for path, name in found if os.path.isfile(path)]
    return [*files, (script, os.path.basename(script))]  # whatever its suffix


@functools.cache
def _is_venv(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "pyvenv.cfg"))


def _in_venv(path: str, root: str) -> bool:
    """Whether a file lies in a virtual environment below `root`: installed, not the flow's code."""
    folder = os.path.dirname(path)
    while len(folder) > len(root):
        if _is_venv(folder):
            return True
        folder = os.path.dirname(folder)
    return False


def _listing(obj: Any) -> Any:
    from metaflow.package import MetaflowPackage

    class Listing(MetaflowPackage):  # type: ignore[misc]
        def _package_and_upload(self) -> None:
            """Nothing: we want the list of files, not the archive that a thread would build."""

    package = Listing(obj.flow, obj.environment, obj.echo, obj.package_suffixes)
    package._create_thread.join()
    package._add_addl_files()
    return package


def _beside_target(package: Any, script: str) -> Iterator[File]:
    """When the flow file is a link, `import` looks beside its target, not beside the link."""
    from metaflow.packaging_sys.utils import walk

    folder = os.path.dirname(os.path.realpath(script))
    if folder != os.path.realpath(os.path.dirname(script)):
        yield from walk(
            folder + os.sep,
            file_filter=package._user_code_filter,
            exclude_tl_dirs=package._exclude_tl_dirs,
        )


def _modules(package: Any) -> Iterator[File]:
    """Modules that ask to be packaged, and files that decorators add: beside the flow file, where
    `import` finds them."""
    from metaflow.packaging_sys import ContentType

    content = package._mfcontent
    modules = content.content_names(ContentType.MODULE_CONTENT.value)
    for path, name in (*modules, *content._files.items()):
        inside = name.removeprefix(f"{content._code_dir}/")
        if inside not in ("__main__.py", "__mp_main__.py"):  # the flow file, which has its own name
            yield path, inside
