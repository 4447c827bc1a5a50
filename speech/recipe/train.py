#!/usr/bin/env python3
"""Trains the network from nothing ("flat start") by lattice-free MMI. After each epoch it can be stopped and goes on."""

import argparse
import pathlib
import pickle
import random
import time

import numpy as np

import mmi
from lexicon import PDF, PHONES, alternatives
from network import FEATURES, LEFT, RIGHT, Adam, Network, rate_at

FLAT = 0.06  # the share of the training in which evenly spread phones show the way


def load(files):
    """[(features, words)]"""
    found = []
    for file in files:
        stored = np.load(file)
        features, at = stored["features"], 0
        for length, text in zip(stored["lengths"], stored["texts"]):
            found.append((features[at : at + length], str(text).split()))
            at += length
    return found


def phone_bigram(utterances):
    """(start, transitions) of the denominator: the transcripts' phones, a pause between words 3 times in 10."""
    counts, first = np.full((len(PHONES), len(PHONES)), 0.05), np.full(len(PHONES), 1e-3)
    first[0] = 1
    for _, words in utterances:
        before = 0
        for word in words:
            phones = [PDF[phone] for phone in alternatives()[word][0]]
            counts[before, phones[0]] += 0.7 if before else 1
            if before:
                counts[before, 0] += 0.3
                counts[0, phones[0]] += 0.3
            for pair in zip(phones, phones[1:]):
                counts[pair] += 1
            before = phones[-1]
        counts[before, 0] += 1
    counts[0, 0] = 0
    transitions = 0.5 * np.eye(len(PHONES)) + 0.5 * counts / counts.sum(1, keepdims=True)
    return first / first.sum(), transitions


def chain(words):
    """Silence, the words with a silence between them that may be skipped, silence: (pdf-ids, skippable)."""
    pdfs, skippable = [0], [0]
    for number, word in enumerate(words):
        if number:
            pdfs.append(0)
            skippable.append(0)
        for place, phone in enumerate(random.choice(alternatives()[word])):
            pdfs.append(PDF[phone])
            skippable.append(int(place == 0 and number > 0))
    return pdfs + [0], skippable + [0]


def spread(features, pdfs, frames):
    """The chain's phones laid evenly over the loud part of the clip."""
    targets = np.zeros(frames, int)
    phones = [pdf for pdf in pdfs if pdf]
    loudness = features[:, 0].astype(np.float32)[::3][:frames]
    loud = np.where(loudness > 0.5 * (np.percentile(loudness, 5) + np.percentile(loudness, 95)))[0]
    if phones and len(loud):
        begin, end = loud[0], loud[-1] + 1
        targets[begin:end] = [phones[i * len(phones) // (end - begin)] for i in range(end - begin)]
    return targets


def batches(utterances, frames=12000):
    """Of clips about as long as each other, in random order."""
    made, current = [], []
    for one in sorted(utterances, key=lambda one: len(one[0]) + random.random() * 30):
        if current and len(one[0]) * (len(current) + 1) > frames:
            made.append(current)
            current = []
        current.append(one)
    made.append(current)
    random.shuffle(made)
    return made


def pack(batch):
    """(features with their edges repeated, output frames of each)"""
    lengths = [(len(features) + 2) // 3 for features, _ in batch]
    inside = 3 * max(lengths) - 2 + RIGHT
    packed = np.zeros((len(batch), LEFT + inside, FEATURES), np.float32)
    for row, (features, _) in enumerate(batch):
        kept = min(len(features), inside)
        packed[row, :LEFT], packed[row, LEFT : LEFT + kept] = features[0], features[:kept]
        packed[row, LEFT + kept :] = features[-1]
    return packed, np.array(lengths)


def gradient_of(outputs, batch, chains, lengths, bigram, flat):
    """(MMI loss per frame, gradient by the outputs); `flat`: the weight of the evenly spread phones, 1 at first."""
    frames = lengths.sum()
    inside = (np.arange(outputs.shape[1])[None] < lengths[:, None])[:, :, None]
    losses, by_mmi = mmi.loss(outputs, lengths, chains, *bigram)
    gradient = (1 - flat) * by_mmi / frames + 2e-3 * outputs * inside / (frames * outputs.shape[2])
    if flat > 0:
        likely = np.exp(outputs - outputs.max(2, keepdims=True))
        likely /= likely.sum(2, keepdims=True)
        for row, (features, _) in enumerate(batch):
            targets = spread(features, chains[row][0], lengths[row])
            likely[row, np.arange(lengths[row]), targets] -= 1
        gradient += flat * likely * inside / frames
    return losses.sum() / frames, gradient.astype(np.float32)


def train(utterances, epochs, out):
    random.seed(1)
    network, begin = Network(len(PHONES), np.random.default_rng(1)), 0
    sample = np.concatenate([features[::7] for features, _ in utterances]).astype(np.float32)
    network.state["mean"], network.state["deviation"] = sample.mean(0), sample.std(0)
    adam, bigram, done = Adam(network.weights), phone_bigram(utterances), 0
    halfway = out.with_suffix(".halfway")
    if halfway.exists():
        network, adam, begin, done = pickle.loads(halfway.read_bytes())
        print(f"going on after epoch {begin}", flush=True)
    hours, started, mean = sum(len(features) for features, _ in utterances) / 360000, time.monotonic(), None
    print(f"{len(utterances)} utterances, {hours:.1f} hours, {len(PHONES)} phones, context {LEFT}+{RIGHT}", flush=True)
    for epoch in range(begin, epochs):
        random.seed(1000 + epoch)
        generator = np.random.default_rng(1000 + epoch)
        todo = batches(utterances)
        for number, batch in enumerate(todo):
            share = done + number / len(todo) / epochs
            fitting = [(one, chain(one[1])) for one in batch]
            fitting = [(one, states) for one, states in fitting if (len(one[0]) + 2) // 3 > len(states[0])]
            if not fitting:
                continue
            batch, chains = [one for one, _ in fitting], [states for _, states in fitting]
            packed, lengths = pack(batch)
            outputs, tape = network.forward(packed, generator)
            flat = max(0.0, 1 - share / FLAT)
            loss, gradient = gradient_of(outputs, batch, chains, lengths, bigram, flat)
            adam.step(network.weights, network.backward(gradient, tape), rate_at(share))
            mean = loss if mean is None else 0.97 * mean + 0.03 * loss
            if number % 20 == 0:
                took = time.monotonic() - started
                print(f"epoch {epoch + 1}/{epochs} {number}/{len(todo)}: {mean:.4f} per frame, {took:.0f} s", flush=True)
        done = (epoch + 1) / epochs
        halfway.write_bytes(pickle.dumps((network, adam, epoch + 1, done)))
    network.save(out)
    halfway.unlink(missing_ok=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path, help="the network, .npz")
    parser.add_argument("features", nargs="+", help="what synthesize.py train wrote")
    parser.add_argument("--epochs", type=int, default=8)
    wanted = parser.parse_args()
    train(load(wanted.features), wanted.epochs, wanted.out)


if __name__ == "__main__":
    main()
