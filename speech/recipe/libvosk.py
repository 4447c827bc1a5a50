"""The stock libvosk by ctypes: the one that the server loads, and no more than the evaluation needs."""

import ctypes
import json
import pathlib
import wave

LIBRARY = pathlib.Path(__file__).parents[2] / "vendor/vosk/libvosk.so"  # scripts/setup puts it there
CHUNK = 6400  # bytes: 200 ms


def _load(path):
    library, pointer, text = ctypes.CDLL(str(path)), ctypes.c_void_p, ctypes.c_char_p
    for name, result, *arguments in (
        ("set_log_level", None, ctypes.c_int),
        ("model_new", pointer, text),
        ("model_free", None, pointer),
        ("recognizer_new", pointer, pointer, ctypes.c_float),
        ("recognizer_new_grm", pointer, pointer, ctypes.c_float, text),
        ("recognizer_set_words", None, pointer, ctypes.c_int),
        ("recognizer_accept_waveform", ctypes.c_int, pointer, text, ctypes.c_int),
        ("recognizer_result", text, pointer),
        ("recognizer_final_result", text, pointer),
        ("recognizer_free", None, pointer),
    ):
        function = getattr(library, f"vosk_{name}")
        function.restype, function.argtypes = result, arguments
    library.vosk_set_log_level(-1)
    return library


class Model:
    def __init__(self, folder, library=LIBRARY):
        self.library = _load(library)
        self.handle = self.library.vosk_model_new(str(folder).encode())
        if not self.handle:
            raise ValueError(f"{folder} is no model that libvosk loads")

    def words(self, pcm, phrases=None):
        """16 kHz 16-bit mono -> [(word, begin, end, confidence)], times in seconds; phrases: a grammar's."""
        vosk, heard = self.library, []
        if phrases is None:
            recognizer = vosk.vosk_recognizer_new(self.handle, 16000.0)
        else:
            recognizer = vosk.vosk_recognizer_new_grm(self.handle, 16000.0, json.dumps(phrases).encode())
        vosk.vosk_recognizer_set_words(recognizer, 1)

        def take(result):
            heard.extend((one["word"], one["start"], one["end"], one["conf"]) for one in json.loads(result).get("result", []))

        for at in range(0, len(pcm), CHUNK):
            chunk = pcm[at : at + CHUNK]
            if vosk.vosk_recognizer_accept_waveform(recognizer, chunk, len(chunk)):
                take(vosk.vosk_recognizer_result(recognizer))
        take(vosk.vosk_recognizer_final_result(recognizer))
        vosk.vosk_recognizer_free(recognizer)
        return heard


def read_clip(path):
    """A 16 kHz 16-bit mono WAV's samples, as bytes."""
    with wave.open(str(path)) as clip:
        shape = (clip.getframerate(), clip.getnchannels(), clip.getsampwidth())
        if shape != (16000, 1, 2):
            raise ValueError(f"{path}: 16 kHz, one channel of 16 bits wanted, not {shape}")
        return clip.readframes(clip.getnframes())
