"""What is transcribed when folders, files and addresses are named, and what the results are called."""

from pathlib import Path

import pytest

from stenowire.cli.exits import Status, Stop
from stenowire.cli.inputs import SUFFIXES, alone, gather, results
from stenowire.cli.saving import save
from stenowire.cli.wishes import Asked, wishes
from stenowire.dialects.task_wire import InstantWord

pytestmark = pytest.mark.unit


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    for name in ("b.wav", "a/x.MP3", "a/.hidden.wav", ".git/y.wav", "a/notes.txt", "a/deep/z.flac", "b.mp3"):
        path = tmp_path / "talks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "talks"


def names(talks: Path, *more: str) -> list[str]:
    return [str(Path(found.place).relative_to(talks)) for found in gather([str(talks), *more], SUFFIXES, False)]


def test_a_folder_is_searched_to_its_ground_but_not_in_what_is_hidden(talks: Path) -> None:
    assert names(talks) == ["b.mp3", "b.wav", "a/x.MP3", "a/deep/z.flac"]


def test_a_recording_that_is_named_twice_is_taken_once(talks: Path) -> None:
    assert names(talks, str(talks / "b.wav")).count("b.wav") == 1


def test_results_lie_beside_their_recordings_and_none_hides_another(talks: Path) -> None:
    found = results(gather([str(talks)], SUFFIXES, False), None, "srt")
    assert [str(path.relative_to(talks)) for path in found] == ["b.mp3.srt", "b.wav.srt", "a/x.srt", "a/deep/z.srt"]


def test_a_folder_of_results_is_laid_out_as_the_recordings_are(talks: Path) -> None:
    found = results(gather([str(talks)], SUFFIXES, False), Path("out"), "vtt")
    assert [str(path) for path in found] == ["out/b.mp3.vtt", "out/b.wav.vtt", "out/a/x.vtt", "out/a/deep/z.vtt"]


def test_an_address_is_fetched_only_when_that_is_allowed() -> None:
    url = "https://example.org/talks/one%20two.mp3?token=secret"
    with pytest.raises(Stop) as stopped:
        gather([url], SUFFIXES, False)
    assert stopped.value.status == Status.USAGE and "secret" not in stopped.value.line
    [found] = gather([url], SUFFIXES, True)
    assert results([found], None, "text") == [Path("one two.txt")]


@pytest.mark.parametrize("path", ["%2e%2e", "..%2f..%2fetc%2fpasswd", "", "a/.."])
def test_an_address_cannot_choose_another_folder(path: str) -> None:
    [result] = results(gather([f"https://example.org/{path}"], SUFFIXES, True), Path("out"), "text")
    assert result.parent == Path("out") and ".." not in result.parts


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="no recordings in there"):
        gather([str(tmp_path)], SUFFIXES, False)


def test_one_recording_is_no_batch_unless_a_folder_takes_its_result(talks: Path) -> None:
    assert alone([str(talks / "b.wav")], None) and alone(["-"], Path("new.txt"))
    assert not alone([str(talks)], None) and not alone([str(talks / "b.wav")], talks)


def test_a_result_replaces_another_at_once_and_leaves_nothing_else(tmp_path: Path) -> None:
    result = tmp_path / "new" / "talk.txt"
    save(result, "one")
    save(result, "two")
    assert result.read_text() == "two" and list(result.parent.iterdir()) == [result]


# ---- what is wished for ---------------------------------------------------------------------------------------------


def test_words_of_a_file_keep_their_weights_and_sounds(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("Bulge Bracket\nSiobhan\t5\tshivawn\n")
    asked = Asked(model="fun-asr-realtime", hot_words=["Stenowire"], words=file)
    told = wishes(asked, "ws://host").parameters
    assert told is not None
    assert told.vocabulary == {"Stenowire": 4, "Bulge Bracket": 4, "Siobhan": InstantWord(5, ["shivawn"])}
    assert wishes(asked, "https://host/v1").hotwords == {"Stenowire": 4, "Bulge Bracket": 4, "Siobhan": 5}


def test_a_context_is_a_file_where_there_is_one_and_a_text_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "agenda.txt"
    file.write_text("The bulge bracket.")
    assert wishes(Asked(model="m", context=str(file)), None).context == "The bulge bracket."
    assert wishes(Asked(model="m", context="About banks. " * 30), None).context == "About banks. " * 30


def test_a_context_beyond_all_limits_is_refused() -> None:
    with pytest.raises(Stop, match="--context: about 12000 tokens"):
        wishes(Asked(model="m", context="word " * 12_000), None)
