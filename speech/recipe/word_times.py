"""When each word of the espeak clips in testwav/ is said, by the synthesizer's own account: writes testwav/words.tsv.

espeak-ng tells by events when a word begins; it ends where the next one begins, or the sound does. The clips were made
with the same voice at 150 words a minute and have 400 ms of silence before them. That they are the same sound is
checked: each begins and ends where the clip does, within 20 ms. Needs libespeak-ng and numpy.
"""

import ctypes
import wave
from pathlib import Path

import numpy as np

TESTWAV = Path(__file__).parent.parent / "testwav"
BEFORE_MS, WORDS_A_MINUTE = 400, 150
SYNCHRONOUS, RATE, POSITION_CHARACTER, UTF8, WORD = 1, 1, 1, 1, 1


class Event(ctypes.Structure):
    """espeak_EVENT of espeak-ng's speak_lib.h."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))
espeak = ctypes.CDLL("libespeak-ng.so.1")


def speak(text, voice, rate):
    """The sound of a text, and when each of its words begins, in milliseconds."""
    sound, begins = [], []

    def take(samples, count, event):
        if samples and count:
            sound.extend(samples[:count])
        number = 0
        while event[number].type:
            if event[number].type == WORD and event[number].text_position > 0:
                begins.append(event[number].audio_ms)
            number += 1
        return 0

    callback = Callback(take)  # it has to live for as long as it is called
    espeak.espeak_SetSynthCallback(callback)
    espeak.espeak_SetVoiceByName(voice.encode())
    espeak.espeak_SetParameter(RATE, WORDS_A_MINUTE, 0)
    line = text.encode() + b"\0"
    espeak.espeak_Synth(line, len(line), 0, POSITION_CHARACTER, 0, UTF8, None, None)
    espeak.espeak_Synchronize()
    return np.array(sound, dtype=np.int16), begins


def span(sound, rate):
    """Where there is sound, in milliseconds."""
    level = np.abs(sound.astype(float))
    loud = np.flatnonzero(level > 0.03 * level.max())
    return loud[0] * 1000 / rate, loud[-1] * 1000 / rate


def main():
    rate = espeak.espeak_Initialize(SYNCHRONOUS, 0, None, 0)
    rows = []
    for line in (TESTWAV / "text.tsv").read_text().splitlines():
        name, voice, text = line.split("\t")[:3]
        if not name.startswith("espeak"):
            continue
        sound, begins = speak(text, voice.split()[1], rate)
        with wave.open(str(TESTWAV / name)) as clip:
            samples = np.frombuffer(clip.readframes(clip.getnframes()), dtype=np.int16)
            ours = span(samples, clip.getframerate())
        theirs = [at + BEFORE_MS for at in span(sound, rate)]
        assert all(abs(a - b) < 20 for a, b in zip(ours, theirs)), f"{name} is another sound: {ours}, {theirs}"
        words = text.split()
        assert len(words) == len(begins), f"{name}: {len(begins)} words of {len(words)}"
        ends = begins[1:] + [span(sound, rate)[1]]
        for word, start, end in zip(words, begins, ends):
            rows.append(f"{name}\t{word}\t{start + BEFORE_MS}\t{round(end) + BEFORE_MS}\n")
    (TESTWAV / "words.tsv").write_text("".join(rows))


if __name__ == "__main__":
    main()
