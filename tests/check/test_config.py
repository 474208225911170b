"""Where a project begins, and what its configuration may say."""

from __future__ import annotations

import pytest

from outlive.check.config import Project, Settings, find_project
from outlive.lifecycle.errors import UsageError


def configure(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "pyproject.toml"
    file.write_text(text, encoding="utf-8")
    return file


def complaint(folder) -> str:
    with pytest.raises(UsageError) as caught:
        find_project(folder)
    return str(caught.value)


def test_select_ignore_and_exclude_are_lists_of_strings(tmp_path):
    file = configure(
        tmp_path, '[tool.outlive]\nselect = ["OL2"]\nignore = ["OL201"]\nexclude = ["migrations/", "*_pb2.py"]\n'
    )
    settings = Settings(select=("OL2",), ignore=("OL201",), exclude=("migrations/", "*_pb2.py"))

    assert Project(tmp_path, file, settings) == find_project(tmp_path)


def test_the_version_of_fastapi_is_a_string(tmp_path):
    file = configure(tmp_path, '[tool.outlive]\ntarget-fastapi = "0.115"\n')

    assert Project(tmp_path, file, Settings(target_fastapi="0.115")) == find_project(tmp_path)


@pytest.mark.parametrize("value", ["0.115", '"newest"', '["0.115"]'])
def test_another_version_of_fastapi_is_an_error(tmp_path, value):
    file = configure(tmp_path, f"[tool.outlive]\ntarget-fastapi = {value}\n")

    assert complaint(tmp_path).startswith(f"{file}: target-fastapi = ")
    assert complaint(tmp_path).endswith('in [tool.outlive]; expected a version such as "0.115"')


def test_the_table_may_be_empty(tmp_path):
    file = configure(tmp_path, "[tool.outlive]\n")

    assert Project(tmp_path, file, Settings()) == find_project(tmp_path)


def test_the_nearest_file_with_the_table_wins(tmp_path):
    configure(tmp_path, '[tool.outlive]\nselect = ["OL1"]\n')
    file = configure(tmp_path / "app", '[tool.outlive]\nselect = ["OL2"]\n')
    (tmp_path / "app" / "shop").mkdir()

    assert Project(tmp_path / "app", file, Settings(select=("OL2",))) == find_project(tmp_path / "app" / "shop")


def test_a_file_without_the_table_is_passed_by(tmp_path):
    file = configure(tmp_path, '[tool.outlive]\nselect = ["OL1"]\n')
    configure(tmp_path / "app", "[project]\nname = 'app'\n")

    assert Project(tmp_path, file, Settings(select=("OL1",))) == find_project(tmp_path / "app")


def test_without_a_table_the_nearest_file_is_where_the_project_begins(tmp_path):
    configure(tmp_path / "app", "[tool.ruff]\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / "app" / "shop").mkdir()

    assert Project(tmp_path / "app") == find_project(tmp_path / "app" / "shop")


def test_without_a_file_the_repository_is_where_the_project_begins(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "shop").mkdir()

    assert Project(tmp_path) == find_project(tmp_path / "shop")


def test_without_any_of_them_it_is_where_the_search_began(tmp_path):
    assert Project(tmp_path) == find_project(tmp_path)


def test_an_unknown_key_is_an_error_with_the_near_match(tmp_path):
    file = configure(tmp_path, "[tool.outlive]\nselects = []\n")

    assert f"{file}: unknown key 'selects' in [tool.outlive]; did you mean select?" == complaint(tmp_path)


def test_an_unknown_key_far_from_all_is_answered_with_the_list(tmp_path):
    file = configure(tmp_path, "[tool.outlive]\nzzz = 1\n")

    expected = "expected one of select, ignore, exclude, libraries, target-fastapi"

    assert f"{file}: unknown key 'zzz' in [tool.outlive]; {expected}" == complaint(tmp_path)


@pytest.mark.parametrize(
    ("value", "shown"), [('"OL2"', "'OL2'"), ("[1]", "[1]"), ("true", "True"), ('["a", 1]', "['a', 1]")]
)
def test_a_wrong_type_is_an_error_with_what_was_expected(tmp_path, value, shown):
    file = configure(tmp_path, f"[tool.outlive]\nselect = {value}\n")

    assert f"{file}: select = {shown} in [tool.outlive]; expected a list of strings" == complaint(tmp_path)


def test_the_table_must_be_a_table(tmp_path):
    file = configure(tmp_path, "[tool]\noutlive = 3\n")

    assert f"{file}: tool.outlive is 3; expected a table" == complaint(tmp_path)


def test_broken_toml_is_an_error_with_the_line(tmp_path):
    file = configure(tmp_path, "[tool.outlive]\nselect = OL2\n")

    assert f"{file}: not valid TOML: Invalid value (at line 2, column 10)" == complaint(tmp_path)


def test_toml_that_is_not_utf_8_is_an_error(tmp_path):
    file = configure(tmp_path, "")
    file.write_bytes(b"# \xff\n[tool.outlive]\n")

    assert complaint(tmp_path).startswith(f"{file}: not UTF-8, which TOML requires: ")


def test_a_file_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    file = configure(tmp_path, "[tool.outlive]\n")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(file), "read_text", refuse)

    assert f"{file}: cannot be read: Permission denied" == complaint(tmp_path)


@pytest.mark.parametrize("text", ["", "tool = 1\n", "[project]\nname = 'x'\n"])
def test_a_file_that_does_not_mention_outlive_configures_nothing(tmp_path, text):
    configure(tmp_path, text)

    assert Project(tmp_path) == find_project(tmp_path)
