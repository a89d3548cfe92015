import stat
import threading
from pathlib import Path

import pytest

from sfnflow.errors import DeployError
from sfnflow.graph import Flow, Parameter, Step
from sfnflow.load.loader import LoadedFlow, SourceFile
from sfnflow.package import CONFIGS, MANIFEST, CodePackage, Deployment, build_package

DEPLOYMENT = Deployment(token="t-0-abcd", owner="me")
FLOW = Flow(
    name="F",
    file="/x/flow.py",
    start="start",
    end="end",
    steps=(Step(name="start", kind="linear", next=("end",)), Step(name="end", kind="end")),
    parameters=(Parameter(name="p", variable="p", kind="str", default="v", deploy_time=True),),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A flow's folder: two files."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "flow.py").write_bytes(b"one")
    (code / "tool.sh").write_bytes(b"two")
    return code


def loaded(folder: Path, flow: Flow = FLOW, **changed: object) -> LoadedFlow:
    files = tuple(SourceFile(str(path), path.name) for path in sorted(folder.iterdir()))
    return LoadedFlow(flow, files, {}, ())._replace(**changed)


def package(folder: Path, deployment: Deployment = DEPLOYMENT, **changed: object) -> CodePackage:
    return build_package(loaded(folder, **changed), deployment)


def names(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_the_same_has_the_same_id_wherever_it_lies(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("tool.sh", "flow.py"):
        (other / name).write_bytes((folder / name).read_bytes())
    backwards = tuple(reversed(loaded(folder).files))
    assert package(folder).id == package(other).id == package(folder, files=backwards).id


def test_any_change_changes_the_id(folder: Path) -> None:
    flow = FLOW.model_copy(update={"file": "/x/other.py"})
    computed = FLOW.parameters[0].model_copy(update={"default": "w"})
    ids = [
        package(folder).id,
        package(folder, DEPLOYMENT._replace(token="other")).id,
        package(folder, DEPLOYMENT._replace(tags=("t",))).id,
        package(folder, DEPLOYMENT._replace(namespace="")).id,
        package(folder, configs={"user_configs": {"c": [{"a": 1}, False]}}).id,
        package(folder, configs={"user_configs": {"c": [{"a": 2}, False]}}).id,
        package(folder, decospecs=("retry",)).id,
        package(folder, flow=flow).id,
        package(folder, flow=FLOW.model_copy(update={"parameters": (computed,)})).id,
    ]
    (folder / "flow.py").write_bytes(b"onE")
    ids.append(package(folder).id)
    (folder / "flow.py").rename(folder / "renamed.py")
    ids.append(package(folder).id)
    (folder / "tool.sh").chmod(0o755)
    ids.append(package(folder).id)
    (folder / "empty.py").touch()
    ids.append(package(folder).id)
    assert len(set(ids)) == len(ids)


def test_what_moves_from_one_file_to_the_next_changes_the_id(folder: Path) -> None:
    before = package(folder).id
    (folder / "flow.py").write_bytes(b"onetwo")
    (folder / "tool.sh").write_bytes(b"")
    assert package(folder).id != before


def test_of_two_files_with_one_name_the_last_counts(folder: Path, tmp_path: Path) -> None:
    files = loaded(folder).files
    first = SourceFile(str(folder / "tool.sh"), "flow.py")
    assert package(folder, files=(first, *files)).id == package(folder).id


def test_the_folder_is_a_copy(folder: Path, tmp_path: Path) -> None:
    (folder / "tool.sh").chmod(0o700)
    target = tmp_path / "deep" / "package"
    configs = {"user_configs": {"c": [{"a": "ä"}, False]}}
    package(folder, configs=configs).write_folder(target)
    for path in folder.iterdir():
        path.unlink()
    assert names(target) == {"flow.py", "tool.sh", MANIFEST, CONFIGS}
    assert (target / "flow.py").read_bytes() == b"one"
    assert (target / "tool.sh").stat().st_mode & stat.S_IXUSR
    assert not (target / "flow.py").is_symlink()
    assert [path.name for path in target.parent.iterdir()] == ["package"]


def test_names_that_are_not_utf8(folder: Path, tmp_path: Path) -> None:
    (folder / "caf\udce9.py").write_bytes(b"three")
    package(folder).write_folder(tmp_path / "package")
    assert (tmp_path / "package" / "caf\udce9.py").read_bytes() == b"three"


def test_a_file_that_changes_before_it_is_copied(folder: Path, tmp_path: Path) -> None:
    built = package(folder)
    (folder / "flow.py").write_bytes(b"other")
    with pytest.raises(DeployError, match="changed while"):
        built.write_folder(tmp_path / "out" / "package")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_goes_before_it_is_copied(folder: Path, tmp_path: Path) -> None:
    built = package(folder)
    (folder / "tool.sh").unlink()
    with pytest.raises(DeployError, match=r"tool\.sh is gone"):
        built.write_folder(tmp_path / "out" / "package")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_cannot_be_read(folder: Path) -> None:
    files = (*loaded(folder).files, SourceFile(str(folder / "none.py"), "none.py"))
    with pytest.raises(
        DeployError, match=r"none.py belongs to the flow's code, but cannot be read"
    ):
        package(folder, files=files)


def test_one_that_is_whole_stays(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "package"
    package(folder).write_folder(target)
    before = target.stat().st_ino
    package(folder).write_folder(target)
    assert target.stat().st_ino == before


def test_one_that_is_spoilt_is_replaced(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "package"
    package(folder).write_folder(target)
    (target / "flow.py").write_text("# a task was here")
    assert not package(folder).is_in(target)
    package(folder).write_folder(target)
    assert package(folder).is_in(target)
    assert (target / "flow.py").read_bytes() == (folder / "flow.py").read_bytes()
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_many_at_once_write_one(folder: Path, tmp_path: Path) -> None:
    built = package(folder)
    target = tmp_path / "out" / "package"
    failures: list[BaseException] = []
    together = threading.Barrier(16)

    def write() -> None:
        together.wait()
        try:
            built.write_folder(target)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [path.name for path in target.parent.iterdir()] == ["package"]
    assert names(target) == {"flow.py", "tool.sh", MANIFEST}
