#!/usr/bin/env python3
"""Makes spoken utterances: features to train on, or clips to measure with."""

import argparse
import pathlib
import random
import wave

import numpy as np

import channel
import sentences
import voices
from features import RATE, mfcc


def training(dice, generator):
    """(samples, words wanted, voice)"""
    kind = dice.random()
    if kind < 0.02:
        return sound_without_words(dice, generator), [], "none"
    if kind < 0.68:
        spoken = wanted = sentences.all_words(dice)
    elif kind < 0.88:
        spoken, wanted = sentences.mixed(dice, held_out=False)
    else:
        spoken, wanted = sentences.unknown(dice, held_out=False)
    voice = voices.training_voice(dice)
    samples, rate = voices.say(dice, voice, " ".join(spoken))
    # Formants, pitch and tempo moved together: more speakers out of few voices.
    if dice.random() < 0.65:
        rate *= dice.uniform(0.84, 1.18)
    return channel.distort(dice, generator, voices.resample(samples, rate, RATE)), wanted, voice


def sound_without_words(dice, generator):
    """Hum, tones and noise of one to three seconds."""
    time = np.arange(int(RATE * dice.uniform(1, 3))) / RATE
    sound = np.zeros(len(time))
    for _ in range(dice.randint(0, 3)):
        sound += dice.random() * np.sin(2 * np.pi * dice.choice([50, 60, 440, 1000, dice.uniform(80, 3000)]) * time)
    sound = channel.noise(dice, generator, sound * 3000, dice.uniform(-10, 30))
    return channel.whole(channel.level(sound, -dice.uniform(3, 40)))


SETS = {
    # name: (sentences, voices, path)
    "clean": ("first", voices.TEST, "clean"),
    "noisy": ("first", voices.TEST, "noisy"),
    "loss": ("first", voices.TEST, "loss"),
    "all-clean": ("all", voices.TEST, "clean"),
    "all-noisy": ("all", voices.TEST, "noisy"),
    "seen": ("first", voices.SEEN, "clean"),
    "unknown": ("unknown", voices.TEST, "clean"),
    "dev-first": ("first", voices.DEVELOPMENT, "noisy"),
    "dev-all": ("all", voices.DEVELOPMENT, "noisy"),
    "dev-unknown": ("unknown", voices.DEVELOPMENT, "noisy"),
}


def measured(name, index, dice, generator):
    """(samples, words wanted, voice)"""
    what, speakers, path = SETS[name]
    if what == "unknown":
        spoken, wanted = sentences.unknown(dice, held_out=True)
    else:
        spoken = wanted = (sentences.first_words if what == "first" else sentences.all_words)(dice)
    voice = speakers[index % len(speakers)]
    samples, rate = voices.say(dice, voice, " ".join(spoken))
    samples = voices.resample(samples, rate, RATE)
    if path == "noisy":
        samples = channel.distort(dice, generator, samples, lossy=0)
    else:
        samples = channel.whole(channel.pad(samples * 0.6, 0.4, 0.5))
        if path == "loss":
            samples = channel.packet_loss(dice, samples, 0.05, 1.5)
    return samples, wanted, voice


def utterances(name, count, seed):
    for index in range(count):
        number = seed * 1000003 + index
        dice, generator = random.Random(number), np.random.default_rng(number)
        yield training(dice, generator) if name == "train" else measured(name, index, dice, generator)


def write_clips(folder, name, made):
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "text.tsv").open("w") as index:
        for number, (samples, wanted, voice) in enumerate(made):
            file = f"{name}{number:04}.wav"
            with wave.open(str(folder / file), "wb") as clip:
                clip.setnchannels(1)
                clip.setsampwidth(2)
                clip.setframerate(RATE)
                clip.writeframes(channel.whole(samples).astype("<i2").tobytes())
            index.write(f"{file}\t{voice}\t{' '.join(wanted)}\n")


def write_features(path, made):
    features, texts = [], []
    for samples, wanted, _ in made:
        features.append(mfcc(samples).astype(np.float16))
        texts.append(" ".join(wanted))
    lengths = np.array([len(one) for one in features])
    unfinished = path.with_suffix(".tmp.npz")
    np.savez(unfinished, features=np.concatenate(features), lengths=lengths, texts=np.array(texts))
    unfinished.rename(path)
    print(f"{path.name}: {len(texts)} utterances, {lengths.sum() / 360000:.2f} hours", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", choices=["train", *SETS], help="`train` writes features (.npz), the others clips")
    parser.add_argument("count", type=int, help="how many utterances")
    parser.add_argument("seed", type=int)
    parser.add_argument("out", type=pathlib.Path, help="the file, or the clips' folder")
    wanted = parser.parse_args()
    made = utterances(wanted.set, wanted.count, wanted.seed)
    if wanted.set == "train":
        write_features(wanted.out, made)
    else:
        write_clips(wanted.out, wanted.set, made)


if __name__ == "__main__":
    main()
