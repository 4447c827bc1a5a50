"""What happens to a voice between mouth and recogniser: room, noise, codecs, lost packets."""

import subprocess

import numpy as np

from features import RATE
from voices import resample

FRAME = RATE // 50  # 20 ms, as WebRTC packets are


def pad(samples, before, after):
    """Silence around it, in seconds."""
    return np.concatenate([np.zeros(int(RATE * before)), samples, np.zeros(int(RATE * after))])


def level(samples, decibel):
    """Its peak at so many dB of full scale."""
    return samples / (np.abs(samples).max() + 1) * 32767 * 10 ** (decibel / 20)


def room(random, generator, samples):
    """A decaying random tail of 30 to 200 ms."""
    length = int(RATE * random.uniform(0.03, 0.2))
    tail = generator.standard_normal(length) * np.exp(-6 * np.arange(length) / length) * random.uniform(0.02, 0.12)
    tail[0] = 1
    size = 1 << (len(samples) + length).bit_length()
    return np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size))[: len(samples)]


def noise(random, generator, samples, snr):
    """Noise between white and red, at that ratio in dB."""
    spectrum = np.fft.rfft(generator.standard_normal(len(samples)))
    spectrum /= np.maximum(np.arange(len(spectrum)), 20) ** random.uniform(0, 1)
    added = np.fft.irfft(spectrum, len(samples))
    return samples + added / added.std() * (np.sqrt((samples**2).mean()) + 1) * 10 ** (-snr / 20)


def opus(samples, kbps):
    """Through libopus at 48 kHz and back."""
    raw = ["-f", "s16le", "-ar", str(RATE), "-ac", "1"]
    ffmpeg = ["ffmpeg", "-loglevel", "error", "-threads", "1"]
    encode = [*ffmpeg, *raw, "-i", "-", "-ar", "48000", "-c:a", "libopus", "-b:a", f"{kbps}k", "-f", "ogg", "-"]
    packets = subprocess.run(encode, input=whole(samples).astype("<i2").tobytes(), stdout=subprocess.PIPE, check=True)
    decode = [*ffmpeg, "-f", "ogg", "-i", "-", *raw, "-"]
    decoded = subprocess.run(decode, input=packets.stdout, stdout=subprocess.PIPE, check=True)
    return np.frombuffer(decoded.stdout, "<i2").astype(np.float64)


def g711(samples):
    """8 kHz and mu-law, upsampled again."""
    narrow = resample(samples, RATE, 8000)
    compressed = np.log1p(255 * np.minimum(np.abs(narrow) / 32768, 1)) / np.log(256)
    steps = np.round(compressed * 127) / 127
    return resample(np.sign(narrow) * 32768 * (256**steps - 1) / 255, 8000, RATE)


def packet_loss(random, samples, share, burst):
    """Frames of 20 ms lost in bursts of that mean length, each concealed by the last one heard, fading by half a frame."""
    heard = samples.copy()
    lost, fade = False, 1.0
    for start in range(FRAME, len(heard) - FRAME, FRAME):
        end = 1 / burst
        lost = random.random() >= end if lost else random.random() < end * share / (1 - share)
        fade = fade * 0.5 if lost else 1.0
        if lost:
            heard[start : start + FRAME] = heard[start - FRAME : start] * (0.5 if fade < 0.5 else 0.8)
    return heard


def whole(samples):
    return np.clip(np.round(samples), -32768, 32767)


def distort(random, generator, samples, lossy=0.3):
    """One random path; `lossy`: how likely packets are lost on it."""
    samples = pad(samples, random.uniform(0.2, 0.7), random.uniform(0.2, 0.8))
    samples = level(samples, -random.uniform(1, 26))
    if random.random() < 0.3:
        samples = room(random, generator, samples)
    if random.random() < 0.7:
        samples = noise(random, generator, samples, random.uniform(8, 40))
    codec = random.random()
    if codec < 0.1:
        samples = opus(samples, random.choice([12, 16, 24, 32]))
    elif codec < 0.2:
        samples = g711(whole(samples))
    if random.random() < lossy:
        samples = packet_loss(random, samples, random.uniform(0.01, 0.1), random.uniform(1, 2.5))
    return whole(samples)
