"""MFCC as Kaldi computes it with the model's conf/mfcc.conf: 40 bins, 40 cepstra, 20 to 7600 Hz, no energy, no dither."""

import numpy as np

RATE = 16000
WINDOW, HOP, FFT, BINS = 400, 160, 512, 40  # samples, but for the bins
LOW, HIGH = 20.0, 7600.0  # Hz

_POVEY = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / (WINDOW - 1))) ** 0.85
_LIFTER = 1.0 + 11.0 * np.sin(np.pi * np.arange(BINS) / 22.0)


def _mel(hertz):
    return 1127.0 * np.log(1.0 + hertz / 700.0)


def _triangles():
    low, width = _mel(LOW), (_mel(HIGH) - _mel(LOW)) / (BINS + 1)
    mel = _mel(RATE / FFT * np.arange(FFT // 2))
    triangles = np.zeros((FFT // 2 + 1, BINS))
    for index in range(BINS):
        left = low + index * width
        rising, falling = (mel - left) / width, (left + 2 * width - mel) / width
        triangles[: FFT // 2, index] = np.clip(np.minimum(rising, falling), 0, None)
    return triangles


def _dct():
    rows = np.sqrt(2.0 / BINS) * np.cos(np.pi / BINS * (np.arange(BINS) + 0.5) * np.arange(BINS)[:, None])
    rows[0] = np.sqrt(1.0 / BINS)
    return rows


_TRIANGLES, _DCT = _triangles(), _dct()


def mfcc(samples):
    """Samples in the range of 16-bit integers -> (frames, 40), one frame each 10 ms, whole windows only."""
    samples = np.ascontiguousarray(samples, dtype=np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP].copy()
    frames -= frames.mean(1, keepdims=True)
    frames[:, 1:] -= 0.97 * frames[:, :-1].copy()
    frames[:, 0] -= 0.97 * frames[:, 0]
    power = np.abs(np.fft.rfft(frames * _POVEY, FFT)) ** 2
    energies = np.log(np.maximum(power @ _TRIANGLES, 1.1920929e-07))
    return ((energies @ _DCT.T) * _LIFTER).astype(np.float32)
