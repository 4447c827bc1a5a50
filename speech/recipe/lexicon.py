"""Words, pronunciations and phones, all from words.txt and CMUdict."""

import functools
import pathlib
import re

HERE = pathlib.Path(__file__).parent
CMUDICT = pathlib.Path("/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict")  # Debian: pocketsphinx-en-us
UNKNOWN = "[unk]"
SILENCE, GARBAGE = "SIL", "GBG"

WORDS = (HERE / "words.txt").read_text().split()
PRONUNCIATIONS = [(line.split()[0], line.split()[1:]) for line in (HERE / "lexicon.txt").open()]
"""Every (word, phones); a word may come more than once."""

PHONES = [SILENCE, GARBAGE] + sorted({phone for _, phones in PRONUNCIATIONS for phone in phones})
"""The network's outputs, in order; an index here is Kaldi's pdf-id."""
PDF = {phone: index for index, phone in enumerate(PHONES)}

GARBAGE_PHONES = [GARBAGE] * 3
"""How an unknown word is spoken: at least three frames (90 ms) of anything."""


@functools.cache
def alternatives():
    """word -> its pronunciations, the unknown word's too."""
    found = {UNKNOWN: [GARBAGE_PHONES]}
    for word, phones in PRONUNCIATIONS:
        found.setdefault(word, []).append(phones)
    return found


def cmudict():
    """word -> list of phone tuples, without stress."""
    found = {}
    for line in CMUDICT.open(encoding="latin1"):
        fields = line.split()
        if len(fields) > 1 and not fields[0].startswith(";"):
            word = re.sub(r"\(\d+\)$", "", fields[0].lower())
            found.setdefault(word, []).append(tuple(re.sub(r"\d", "", phone) for phone in fields[1:]))
    return found


def near(a, b):
    """Whether two pronunciations differ by one phone at most."""
    if a == b:
        return True
    if abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    return a[start + 1 :] == b[start + 1 :] or a[start:] == b[start + 1 :] or a[start + 1 :] == b[start:]


@functools.cache
def strangers():
    """Words outside the vocabulary that sound like none of it: (for training, for development and test)."""
    known = {tuple(phones) for _, phones in PRONUNCIATIONS}
    candidates = [
        (word, spoken)
        for word, spoken in cmudict().items()
        if word.isalpha() and 4 <= len(word) <= 9 and 3 <= len(spoken[0]) <= 8 and word not in alternatives()
    ]
    words = [
        word
        for word, spoken in candidates[::8]
        if not any(near(phones, mine) for phones in spoken for mine in known)
    ]
    held_out = words[::10]
    return [word for word in words if word not in set(held_out)], held_out


def write():
    """words.txt and CMUdict -> lexicon.txt."""
    twice = [word for word in WORDS if WORDS.count(word) > 1]
    assert not twice, f"twice in words.txt: {twice}"
    found = cmudict()
    for line in (HERE / "extra_lexicon.txt").open():
        found.setdefault(line.split()[0], []).append(tuple(line.split()[1:]))
    missing = [word for word in WORDS if word not in found]
    assert not missing, f"neither in CMUdict nor in extra_lexicon.txt: {missing}"
    with (HERE / "lexicon.txt").open("w") as out:
        for word in WORDS:
            for phones in dict.fromkeys(found[word]):
                out.write(f"{word} {' '.join(phones)}\n")
