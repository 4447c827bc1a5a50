"""The synthesizers: espeak-ng, flite and festival as Debian ships them, and who of them is kept out of training."""

import io
import subprocess
import tempfile
import wave

import numpy as np

from features import RATE

ACCENTS = "en-us en-gb en-gb-scotland en-029 en-gb-x-gbcwmd en-us-nyc en-gb-x-gbclan en-gb-x-rp".split()
# espeak-ng's voice variants; those that are robots or whispers are left out, and those below that are held out.
VARIANTS = [""] + """
m1 m2 m3 m4 m5 m6 f1 f2 f3 f5 Alex Andrea Andy Annie Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael Mike
adam anika antonio aunty belinda benjamin caleb david ed edward edward2 grandma grandpa gustave iven iven2 iven3 john
kaukovalta klatt klatt2 klatt3 klatt4 linda marcelo max michel miguel norbert pablo paul pedro quincy rob sandro shelby
steph steph2 victor zac
""".split()
FLITE = {"kal16": 105, "awb": 110, "slt": 170, "rms": 95}
"""flite's speakers and the pitch each is at home in, Hz."""

# Never trained on: the first group is for the figures in the model card, the second for every choice made on the way.
TEST = ["en-us+m7", "en-gb+f4", "en-us+Denis", "en-gb+Alicia", "en-us+boris", "flite:rms"]
DEVELOPMENT = ["en-us+m8", "en-gb+travis", "en-us+robert", "en-gb+steph3", "festival:ked_diphone"]
SEEN = ["en-us", "en-us+f3", "en-gb", "flite:slt", "flite:awb", "flite:kal16"]


def training_voice(random):
    dice = random.random()
    if dice < 0.4:
        return "flite:" + random.choice(["kal16", "awb", "slt"])
    if dice < 0.43:
        return "festival:kal_diphone"
    variant = random.choice(VARIANTS)
    return random.choice(ACCENTS) + (f"+{variant}" if variant else "")


def resample(samples, old, new):
    """By cutting or padding the spectrum: whole clips only."""
    if old == new:
        return samples
    length = int(len(samples) * new / old) // 2 * 2
    spectrum = np.fft.rfft(samples)
    kept = min(len(spectrum), length // 2 + 1)
    fitted = np.zeros(length // 2 + 1, complex)
    fitted[:kept] = spectrum[:kept]
    return np.fft.irfft(fitted, length) * length / len(samples)


def say(random, voice, text):
    """The text in that voice at some speed and pitch: (samples in the range of 16-bit integers, their rate in Hz)."""
    engine, _, name = voice.rpartition(":")
    if engine == "flite":
        stretch, pitch = random.uniform(0.75, 1.3), FLITE[name] * random.uniform(0.85, 1.2)
        settings = ["--setf", f"duration_stretch={stretch:.2f}", "--setf", f"int_f0_target_mean={pitch:.0f}"]
        return _to_file(lambda path: ["flite", "-voice", name, *settings, "-o", path, "-t", text])
    if engine == "festival":
        stretch = random.uniform(0.8, 1.2)
        lisp = f"(begin (voice_{name}) (Parameter.set (quote Duration_Stretch) {stretch:.2f}))"
        return _to_file(lambda path: ["text2wave", "-eval", lisp, "-", "-o", path], text.encode())
    settings = ["-s", random.randint(115, 210), "-p", random.randint(25, 75), "-g", random.choice([0, 0, 1, 2, 4])]
    spoken = subprocess.run(
        ["espeak-ng", "-v", voice, *map(str, settings), "--stdout", text], stdout=subprocess.PIPE, check=True
    )
    return _read(spoken.stdout)


def _to_file(command, stdin=None):
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(command(file.name), input=stdin, check=True)
        return _read(file.read())


def _read(content):
    # Not wave's own reading of the frames: espeak-ng writes to a pipe a header without the true length.
    rate = wave.open(io.BytesIO(content)).getframerate()
    body = content[44:]
    return np.frombuffer(body[: len(body) // 2 * 2], dtype="<i2").astype(np.float64), rate
