"""Which files are checked, and under which names."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from outlive.check.discovery import discover, exclusion, printable
from outlive.lifecycle.errors import UsageError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(*files: str, text: str = "") -> None:
    for file in files:
        path = Path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def found(*paths: str, exclude: tuple[str, ...] = ()) -> list[str]:
    """The files of a walk without warnings."""
    discovery = discover(paths or (".",), exclude=[exclusion(Path.cwd(), exclude, origin="--exclude")])

    assert () == discovery.warnings
    return list(map(str, discovery.files))


def test_a_folder_is_walked_for_python_files():
    write("a.py", "shop/b.py", "shop/deep/er/c.py", "README.md", "shop/stub.pyi", "py", "shop/x.pyc")

    assert ["a.py", "shop/b.py", "shop/deep/er/c.py"] == found()


def test_a_file_named_explicitly_is_checked_whatever_its_name():
    write("bin/serve")

    assert ["bin/serve"] == found("bin/serve")


def test_a_file_named_explicitly_is_checked_whatever_ignores_it():
    write(".gitignore", text="*.py\n")
    write("a.py", ".venv/pyvenv.cfg", ".venv/lib/b.py")

    assert [".venv/lib/b.py", "a.py"] == found("a.py", ".venv/lib/b.py", exclude=("a.py",))


def test_a_file_is_found_once_however_often_it_is_named():
    write("shop/a.py")

    assert ["shop/a.py"] == found("shop", "shop/a.py", ".", "./shop/../shop/a.py", str(Path.cwd()))


def test_files_are_sorted_whatever_the_order_of_the_paths():
    write("b/x.py", "a/y.py", "a/x.py")

    assert ["a/x.py", "a/y.py", "b/x.py"] == found("b", "a") == found("a", "b")


def test_files_outside_the_working_directory_are_named_absolutely(here, monkeypatch):
    write("a.py", "app/b.py")
    monkeypatch.chdir("app")

    assert [f"{here}/a.py", "b.py"] == found("..")


def test_a_relative_name_stays_relative_even_if_given_absolutely(here):
    write("a.py")

    assert ["a.py"] == found(f"{here}/a.py")


def test_a_folder_whose_name_begins_like_the_working_directory_is_outside(here, monkeypatch):
    write("app/a.py", "app2/b.py")
    monkeypatch.chdir("app")

    assert Path(f"{here}/app2/b.py") == printable("../app2/b.py")


@pytest.mark.parametrize("folder", [".git", "__pycache__", "node_modules", ".outlive_cache", ".tox", ".nox"])
def test_folders_that_never_hold_source_are_skipped(folder):
    write("a.py", f"shop/{folder}/b.py")

    assert ["a.py"] == found()


@pytest.mark.parametrize("folder", [".venv", "venv", "my-environment"])
def test_a_virtual_environment_is_skipped_whatever_its_name(folder):
    write("a.py", f"{folder}/pyvenv.cfg", f"{folder}/lib/b.py")

    assert ["a.py"] == found()


def test_a_folder_named_venv_without_an_environment_in_it_is_source():
    write("venv/a.py")

    assert ["venv/a.py"] == found()


def test_a_gitignore_is_respected_at_every_level():
    write(".gitignore", text="build/\n*_gen.py\n")
    write("shop/.gitignore", text="/local.py\n")
    write("a.py", "x_gen.py", "build/b.py", "shop/build/b.py", "shop/local.py", "shop/deep/local.py", "shop/y_gen.py")

    assert ["a.py", "shop/deep/local.py"] == found()


def test_a_deeper_gitignore_overrides_a_higher_one():
    write(".gitignore", text="*_gen.py\n")
    write("shop/.gitignore", text="!kept_gen.py\n")
    write("kept_gen.py", "shop/kept_gen.py", "shop/other_gen.py")

    assert ["shop/kept_gen.py"] == found()


def test_nothing_below_an_ignored_folder_can_be_brought_back():
    write(".gitignore", text="build/\n!build/a.py\n")
    write("build/.gitignore", text="!*.py\n")
    write("build/a.py", "b.py")

    assert ["b.py"] == found()


def test_ignore_files_above_the_path_count_up_to_the_repositorys_root():
    write("repository/.git/HEAD", "repository/app/a.py", "repository/app/local.py", "repository/app/outer.py")
    write("repository/.gitignore", text="local.py\n")
    write(".gitignore", text="outer.py\n")

    assert ["repository/app/a.py", "repository/app/outer.py"] == found("repository/app")


def test_ignore_files_above_the_path_do_not_count_without_a_repository():
    write("app/local.py")
    write(".gitignore", text="local.py\n")

    assert ["app/local.py"] == found("app")


def test_a_repository_inside_another_follows_its_own_ignore_files_only():
    write(".gitignore", text="local.py\n")
    write("vendored/.gitignore", text="other.py\n")
    write("vendored/.git", "vendored/local.py", "vendored/other.py", "local.py")

    assert ["vendored/local.py"] == found()


def test_a_folder_named_explicitly_is_walked_even_if_it_is_ignored():
    write(".git/HEAD", "build/a.py", "build/sub/b.py", "build/x_gen.py")
    write(".gitignore", text="*_gen.py\nbuild/\n")

    assert ["build/a.py", "build/sub/b.py"] == found("build")
    assert ["build/sub/b.py"] == found("build/sub")


def test_a_folder_named_explicitly_is_walked_even_if_it_is_excluded():
    write("tests/a.py", "tests/x_gen.py")

    assert ["tests/a.py"] == found("tests", exclude=("tests", "*_gen.py"))


def test_exclusions_are_gitignore_patterns():
    write("a.py", "migrations/b.py", "shop/migrations/c.py", "shop/d_pb2.py", "top.py", "shop/top.py")

    assert ["a.py", "shop/top.py"] == found(exclude=("migrations/", "*_pb2.py", "/top.py"))


def test_an_exclusion_is_relative_to_its_folder():
    write("a.py", "shop/a.py")
    only_in_shop = exclusion(Path("shop"), ["/a.py"], origin="pyproject.toml")

    assert (Path("a.py"),) == discover(["."], exclude=[only_in_shop]).files


def test_an_exclusion_cannot_bring_back_what_git_ignores():
    write(".gitignore", text="a.py\n")
    write("a.py", "b.py")

    assert ["b.py"] == found(exclude=("!a.py",))


def test_a_wrong_exclusion_is_an_error_that_names_its_origin():
    with pytest.raises(UsageError, match=r"^--exclude: '!' is not a gitignore pattern$"):
        exclusion(Path(), ["a", "!"], origin="--exclude")


def test_a_wrong_line_of_a_gitignore_is_a_warning_and_the_rest_counts():
    write(".gitignore", text="# comment\n!\nlocal.py\n")
    write("local.py", "a.py")
    discovery = discover(["."])

    assert (Path("a.py"),) == discovery.files
    assert (".gitignore:2: not a gitignore pattern: '!'",) == discovery.warnings


def test_a_gitignore_in_any_encoding_and_with_any_newlines_is_read():
    Path(".gitignore").write_bytes(b"\xef\xbb\xbflocal.py\r\n# \xff\r\nother.py\r\n")
    write("local.py", "other.py", "a.py")

    assert ["a.py"] == found()


def test_a_missing_path_is_an_error_that_names_it():
    with pytest.raises(UsageError, match=r"^shop/missing\.py: No such file or directory$"):
        discover(["shop/missing.py"])


def test_a_loop_of_links_named_explicitly_is_an_error_that_names_it():
    Path("a.py").symlink_to("b.py")
    Path("b.py").symlink_to("a.py")

    with pytest.raises(UsageError, match=r"^a\.py: Too many levels of symbolic links$"):
        discover(["a.py"])


def test_a_pipe_named_explicitly_is_an_error_that_names_it():
    os.mkfifo("pipe.py")

    with pytest.raises(UsageError, match=r"^pipe\.py: neither a file nor a folder; standard input is -$"):
        discover(["pipe.py"])


def test_a_pipe_in_a_folder_is_a_warning_and_never_opened():
    write("a.py")
    os.mkfifo("pipe.py")
    discovery = discover(["."])

    assert (Path("a.py"),) == discovery.files
    assert ("pipe.py: skipped: not a regular file",) == discovery.warnings


def test_a_socket_in_a_folder_is_a_warning(here):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.py")

        assert ("s.py: skipped: not a regular file",) == discover(["."]).warnings


def test_linked_folders_are_not_followed():
    write("shop/a.py")
    Path("shop/loop").symlink_to("..", target_is_directory=True)
    Path("other.py").symlink_to("shop", target_is_directory=True)

    assert ["shop/a.py"] == found()


def test_a_linked_folder_named_explicitly_is_walked_under_its_own_name():
    write("shop/a.py")
    Path("link").symlink_to("shop", target_is_directory=True)

    assert ["link/a.py"] == found("link")


def test_a_file_with_several_names_is_checked_under_its_own():
    write("z.py")
    Path("a.py").symlink_to("z.py")
    Path("shop").mkdir()
    Path("link").symlink_to("shop", target_is_directory=True)
    write("shop/b.py")

    assert ["shop/b.py", "z.py"] == found("link", ".", "a.py") == found(".", "a.py", "link")


def test_a_link_to_a_file_elsewhere_is_checked_under_the_links_name(tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "original.py"
    write(str(elsewhere))
    Path("a.py").symlink_to(elsewhere)

    assert ["a.py"] == found()


def test_a_dangling_link_is_left_to_the_check_to_report():
    Path("gone.py").symlink_to("nowhere.py")
    Path("loop.py").symlink_to("loop.py")

    assert ["gone.py", "loop.py"] == found()


def test_an_editors_lock_is_not_source():
    write("a.py")
    Path(".#a.py").symlink_to("user@host.1234:5678")

    assert ["a.py"] == found()


def test_a_folder_may_be_called_like_a_file():
    write("package.py/a.py")

    assert ["package.py/a.py"] == found()


def test_a_folder_that_cannot_be_read_is_a_warning_and_the_rest_is_found(monkeypatch):
    write("a.py", "secret/b.py", "shop/c.py")
    scandir = os.scandir

    def refuse_secret(path):
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse_secret)
    discovery = discover(["."])

    assert (Path("a.py"), Path("shop/c.py")) == discovery.files
    assert ("secret: folder skipped: Permission denied",) == discovery.warnings


def test_names_that_are_not_utf_8_are_found(here):
    try:
        (here / os.fsdecode(b"caf\xe9.py")).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")

    assert [os.fsdecode(b"caf\xe9.py")] == found()


def test_an_empty_folder_has_no_files():
    assert [] == found()
