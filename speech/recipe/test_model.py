"""The bundled model through the stock libvosk, on the clips that are shipped with it. Needs scripts/setup's libvosk."""

import pathlib

import pytest

from evaluate import errors, known, read
from lexicon import UNKNOWN, WORDS
from libvosk import Model, read_clip

SPEECH = pathlib.Path(__file__).parents[1]
PHRASE = SPEECH / "testwav/espeak05.wav"  # "yes please transfer the call"


@pytest.fixture(scope="module")
def model():
    return Model(SPEECH / "model")


@pytest.mark.parametrize("folder, bound", [("testwav", 3), ("testwav/heldout", 10)])
def test_words_of_the_vocabulary_are_heard(model, folder, bound):
    wrong = words = 0
    for path, _, wanted in read(SPEECH / folder):
        heard = [word for word, *_ in model.words(read_clip(path))]
        wrong += errors(wanted, known(heard))
        words += len(wanted)
    assert 100 * wrong / words <= bound


def test_its_words_are_those_of_the_recipe():
    names = [line.split()[0] for line in (SPEECH / "model/graph/words.txt").open()]
    assert names == ["<eps>", *WORDS, UNKNOWN]
    assert 150 <= len(WORDS) <= 300


def test_words_have_times_in_order_and_within_the_clip(model):
    pcm = read_clip(PHRASE)
    heard = model.words(pcm)
    times = [time for _, begin, end, _ in heard for time in (begin, end)]
    assert [word for word, *_ in heard] == "yes please transfer the call".split()
    assert times == sorted(times) and 0 <= times[0] and times[-1] <= len(pcm) / 32000
    assert all(0 < confidence <= 1 for *_, confidence in heard)


def test_a_list_of_phrases_is_all_that_is_heard(model):
    heard = [word for word, *_ in model.words(read_clip(PHRASE), ["yes please", "transfer the call"])]
    assert heard == "yes please transfer the call".split()
    assert {word for word, *_ in model.words(read_clip(PHRASE), ["no", "meeting"])} <= {"no", "meeting"}


def test_a_folder_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(ValueError):
        Model(tmp_path)
