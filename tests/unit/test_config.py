"""Where the local target's state is, decided from an environment and a folder."""

from pathlib import Path

import pytest

from sfnflow.config import local_settings, user_name
from sfnflow.errors import UsageError


def test_home_is_the_nearest_folder_that_has_one(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert local_settings({}, deep).home == deep / ".sfnflow"
    (tmp_path / "a" / ".metaflow").mkdir()
    assert local_settings({}, deep).home == tmp_path / "a" / ".sfnflow"
    assert local_settings({}, deep).datastore == tmp_path / "a" / ".metaflow"


def test_variables_win(tmp_path: Path) -> None:
    environ = {
        "SFNFLOW_HOME": "state",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": "/data",
        "SFNFLOW_LOCAL_SLOTS": "3",
    }
    settings = local_settings(environ, tmp_path)
    assert settings.home == tmp_path / "state" / ".sfnflow"
    assert settings.datastore == Path("/data/.metaflow")
    assert settings.slots == 3


@pytest.mark.parametrize("slots", ["0", "-1", "many", ""])
def test_slots_must_be_a_number(tmp_path: Path, slots: str) -> None:
    with pytest.raises(UsageError) as raised:
        local_settings({"SFNFLOW_LOCAL_SLOTS": slots}, tmp_path)
    assert "SFNFLOW_LOCAL_SLOTS" in raised.value.message


def test_user_is_never_root_and_never_unknown() -> None:
    assert user_name({"USER": "root"}) == "sfnflow"
    assert user_name({"USER": "ada"}) == "ada"
    assert user_name({"USER": "ada", "METAFLOW_USER": "bob"}) == "bob"
