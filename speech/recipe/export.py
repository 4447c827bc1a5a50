#!/usr/bin/env python3
"""Writes the trained network as Vosk loads it: am/final.mdl (Kaldi nnet3, binary), conf/, graph/phones/, phones.txt.

Written from the formats alone: no Kaldi code is used. Norms are folded into the affine transforms.
"""

import argparse
import pathlib
import struct

import numpy as np

from lexicon import PDF, PHONES
from network import EPSILON, FEATURES, LEFT, OFFSETS, RIGHT, WIDTH, Network

# Phones know their place in the word, so that word times can be told; the four share one output.
POSITIONED = ["SIL"] + [f"{phone}_{place}" for phone in PHONES[1:] for place in "BEIS"]
PLACES = {"B": "begin", "E": "end", "I": "internal", "S": "singleton"}

MFCC = """--use-energy=false
--sample-frequency=16000
--num-mel-bins=40
--num-ceps=40
--low-freq=20
--high-freq=-400
--dither=0
"""
MODEL = """--min-active=200
--max-active=3000
--beam=12.0
--lattice-beam=6.0
--acoustic-scale=1.0
--frame-subsampling-factor=3
--endpoint.silence-phones=1
--endpoint.rule2.min-trailing-silence=0.5
--endpoint.rule3.min-trailing-silence=0.75
--endpoint.rule4.min-trailing-silence=1.0
"""


class Binary:
    """Kaldi's binary writing."""

    def __init__(self):
        self.bytes = bytearray(b"\0B")

    def tokens(self, *names):
        for name in names:
            self.bytes += name.encode() + b" "

    def integers(self, *values):
        for value in values:
            self.bytes += b"\x04" + struct.pack("<i", value)

    def real(self, value):
        self.bytes += b"\x04" + struct.pack("<f", value)

    def integer_vector(self, values):
        self.integers(len(values))
        self.bytes += struct.pack(f"<{len(values)}i", *values)

    def vector(self, values):
        self.tokens("FV")
        self.integers(len(values))
        self.bytes += np.ascontiguousarray(values, "<f4").tobytes()

    def matrix(self, values):
        self.tokens("FM")
        self.integers(*values.shape)
        self.bytes += np.ascontiguousarray(values, "<f4").tobytes()


def transition_model(out):
    """One state for each phone, that it stays in or leaves with probability 1/2."""
    count = len(POSITIONED)
    out.tokens("<TransitionModel>", "<Topology>")
    out.integer_vector(range(1, count + 1))
    out.integer_vector([-1] + [0] * count)
    out.integers(1, 2)  # one entry for all phones, of two states
    out.integers(0, 2)  # state 0: pdf class 0, two transitions
    for target in (0, 1):
        out.integers(target)
        out.real(0.5)
    out.integers(-1, 0)  # state 1: the end, without pdf
    out.tokens("</Topology>", "<Triples>")
    out.integers(count)
    for number, phone in enumerate(POSITIONED, 1):
        out.integers(number, 0, PDF[phone.split("_")[0]])
    out.tokens("</Triples>", "<LogProbs>")
    out.vector([0.0] + [np.log(0.5)] * (2 * count))
    out.tokens("</LogProbs>", "</TransitionModel>")


def folded(network):
    """[(name, matrix out x in, bias)], each layer's input norm folded in."""
    found = []
    scale, shift = 1 / network.state["deviation"], -network.state["mean"] / network.state["deviation"]
    for layer in range(len(OFFSETS)):
        weights, bias = network.weights[f"affine{layer}"].T, network.weights[f"bias{layer}"]
        found.append((f"tdnn{layer}", weights * np.tile(scale, 3), bias + weights @ np.tile(shift, 3)))
        scale = 1 / np.sqrt(network.state[f"variance{layer}"] + EPSILON)
        shift = -network.state[f"mean{layer}"] * scale
    weights = network.weights["affine"].T
    found.append(("output", weights * scale, network.weights["bias"] + weights @ shift))
    return found


def nnet3(out, network):
    out.tokens("<Nnet3>")
    out.bytes += b"\n"
    lines, before = [f"input-node name=input dim={FEATURES}"], "input"
    for layer, offsets in enumerate(OFFSETS):
        affine, relu = f"tdnn{layer}.affine", f"tdnn{layer}.relu"
        spliced = ", ".join(before if offset == 0 else f"Offset({before}, {offset})" for offset in offsets)
        lines.append(f"component-node name={affine} component={affine} input=Append({spliced})")
        lines.append(f"component-node name={relu} component={relu} input={affine}")
        before = relu
    lines.append(f"component-node name=output.affine component=output.affine input={before}")
    lines.append("output-node name=output input=output.affine objective=linear")
    out.bytes += ("\n".join(lines) + "\n\n").encode()
    layers = folded(network)
    out.tokens("<NumComponents>")
    out.integers(2 * len(layers) - 1)
    for name, weights, bias in layers:
        out.tokens("<ComponentName>", f"{name}.affine", "<FixedAffineComponent>", "<LinearParams>")
        out.matrix(weights)
        out.tokens("<BiasParams>")
        out.vector(bias)
        out.tokens("</FixedAffineComponent>")
        if name == "output":
            continue
        out.tokens("<ComponentName>", f"{name}.relu", "<RectifiedLinearComponent>", "<Dim>")
        out.integers(WIDTH)
        for statistic in ("<ValueAvg>", "<DerivAvg>"):
            out.tokens(statistic)
            out.vector([])
        out.tokens("<Count>")
        out.bytes += b"\x08" + struct.pack("<d", 0.0)
        out.tokens("</RectifiedLinearComponent>")
    out.tokens("</Nnet3>", "<LeftContext>")
    out.integers(LEFT)
    out.tokens("<RightContext>")
    out.integers(RIGHT)
    out.tokens("<Priors>")
    out.vector([])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", help="what train.py wrote")
    parser.add_argument("model", type=pathlib.Path, help="the model's folder")
    wanted = parser.parse_args()
    for folder in ("am", "conf", "graph/phones"):
        (wanted.model / folder).mkdir(parents=True, exist_ok=True)
    out = Binary()
    transition_model(out)
    nnet3(out, Network.load(wanted.network))
    (wanted.model / "am/final.mdl").write_bytes(out.bytes)
    (wanted.model / "conf/mfcc.conf").write_text(MFCC)
    (wanted.model / "conf/model.conf").write_text(MODEL)
    places = ["nonword" if phone == "SIL" else PLACES[phone[-1]] for phone in POSITIONED]
    boundaries = "".join(f"{number} {place}\n" for number, place in enumerate(places, 1))
    (wanted.model / "graph/phones/word_boundary.int").write_text(boundaries)
    print(f"{wanted.model}/am/final.mdl: {len(out.bytes)} bytes, {len(POSITIONED)} phones")


if __name__ == "__main__":
    main()
