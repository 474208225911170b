"""The recording: a ring, and a value that can be saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from outlive import Explanation, InvalidRecordingError, Recording
from outlive.lifecycle.evidence import Evidence
from outlive.lifecycle.places import Place
from outlive.lifecycle.states import State
from outlive.recorder.recording import Entry

EXPLANATION = Explanation(
    hazard="read-after-rollback",
    what="`Author.name` was read on a detached `Author (1,)`.",
    where=(Evidence(Place("app.py", 3), "read here"),),
    why="The rollback.",
    remedies=("Read it before.",),
    entity="Author",
    identity_key=(1, "a"),
    attribute="name",
    state=State.DETACHED,
)


def test_the_oldest_goes_when_there_is_no_room() -> None:
    recording = Recording(size=2)
    for number in range(5):
        recording.add(Entry(number, "commit"))

    assert [3, 4] == [entry.time for entry in recording]
    assert 3 == recording.dropped


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    recording = Recording(
        [Entry(1.5, "commit", 1, "app.py", 3, "MainThread"), Entry(2, "error", explanation=EXPLANATION)]
    )
    recording.save(tmp_path / "recording.json")

    loaded = Recording.load(tmp_path / "recording.json")
    assert recording == loaded
    assert (EXPLANATION,) == loaded.explanations


def test_a_key_that_json_does_not_have_is_written_as_text(tmp_path: Path) -> None:
    odd = Explanation("name", "what", (), "why", (), identity_key=(Path("a"),))
    Recording([Entry(1, "error", explanation=odd)]).save(tmp_path / "recording.json")

    [loaded] = Recording.load(tmp_path / "recording.json").explanations
    assert ("a",) == loaded.identity_key


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a recording of outlive"),
        ("[1]", "expected a recording of outlive"),
        ('{"version": 2, "dropped": 0, "entries": []}', "version 2, and this outlive reads up to 1"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "recording.json"
    file.write_text(text)
    with pytest.raises(InvalidRecordingError, match=message):
        Recording.load(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Recording.load(tmp_path / "nowhere.json")


def test_it_prints_as_a_timeline() -> None:
    recording = Recording([Entry(1, "commit", 1, "app.py", 3), Entry(2, "error", explanation=EXPLANATION)])

    assert "app.py:3: session 1: commit\n`Author.name` was read on a detached `Author (1,)`." == str(recording)
