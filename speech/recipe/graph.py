#!/usr/bin/env python3
"""Writes the decoding graph: lexicon and HMMs (HCLr.fst) and the usual grammar (Gr.fst), by Debian's libfst-tools.

HCLr.fst is an olabel-lookahead FST, so that Vosk composes it at run time with Gr.fst or with a list of phrases.
"""

import argparse
import collections
import glob
import math
import os
import pathlib
import random
import subprocess
import tempfile

from export import POSITIONED
from lexicon import GARBAGE, UNKNOWN, WORDS, alternatives
from sentences import FIRST_TEMPLATES, FIRST_WORDS, TEMPLATES, fill

WORD_ID = {word: number for number, word in enumerate([*WORDS, UNKNOWN], 1)}
DISCOUNT = 0.5  # of a bigram's probability, kept for words in any order
# Chosen on the development set: the unknown word's cost for itself, wherever it stands, and in the usual grammar.
UNKNOWN_COST, UNKNOWN_GRAMMAR_COST = 0.0, 0.0
NEW_WORD_COST = 1.0  # in any order, of words that the bundled network did not hear while it learned


def phone_ids(bundled):
    """The bundled network has no garbage phone."""
    phones = [phone for phone in POSITIONED if not (bundled and phone.startswith(GARBAGE))]
    return {phone: number for number, phone in enumerate(phones, 1)}


def position(phones, at):
    if len(phones) == 1:
        return "S"
    return "B" if at == 0 else "E" if at == len(phones) - 1 else "I"


def lexicon_and_states(unknown_cost, phone_id):
    """Text arcs. Kaldi's transition ids with one state and two transitions: 2 phone - 1 stays, 2 phone leaves.

    The way out comes first, the loop on the state behind it ("reordered"), as Vosk expects.
    """
    lines, states = [], [1]

    def arc(a, b, transition, word=0, cost=0.0):
        lines.append(f"{a} {b} {transition} {word} {cost:.5f}")

    def phone(state, name, word=0, cost=0.0):
        states[0] += 1
        arc(state, states[0], 2 * phone_id[name], word, cost)
        arc(states[0], states[0], 2 * phone_id[name] - 1)
        return states[0]

    def maybe_silence(state):
        arc(state, 1, 0, 0, math.log(2))
        arc(phone(state, "SIL", 0, math.log(2)), 1, 0)

    maybe_silence(0)
    for word in WORD_ID:
        for phones in alternatives()[word]:
            if f"{phones[0]}_B" not in phone_id:
                continue  # without garbage nothing is unknown
            state = 1
            for at, name in enumerate(phones):
                first = at == 0
                cost = unknown_cost if word == UNKNOWN and first else 0.0
                state = phone(state, f"{name}_{position(phones, at)}", WORD_ID[word] if first else 0, cost)
            maybe_silence(state)
    lines.append("1 0")
    return "\n".join(lines) + "\n"


def grammar(relabel, unknown_cost, bundled):
    """Text arcs: bigrams of the phrase templates, each backing off to every word with the same probability."""
    dice, counts = random.Random(0), collections.defaultdict(collections.Counter)
    for _ in range(30000):
        templates = FIRST_TEMPLATES if dice.random() < 0.5 else TEMPLATES
        words = ["<s>", *fill(dice, dice.choice(templates)), "</s>"]
        for before, word in zip(words, words[1:]):
            counts[before][word] += 1
    # State 0 backs off; the first line's state is where it starts.
    histories = ["<s>", *(word for word in WORDS if word in counts)]
    state = {history: number for number, history in enumerate(histories, 1)}
    any_word = math.log(len(WORDS) + 1)
    lines = []

    def arc(a, word, cost):
        lines.append(f"{a} {state.get(word, 0)} {relabel(WORD_ID[word])} {relabel(WORD_ID[word])} {cost:.4f}")

    for history in histories:
        total = counts[history].total()
        for word, count in counts[history].items():
            cost = -math.log((1 - DISCOUNT) * count / total)
            if word == "</s>":
                lines.append(f"{state[history]} {cost:.4f}")
            else:
                arc(state[history], word, cost)
        lines.append(f"{state[history]} 0 0 0 {-math.log(DISCOUNT):.4f}")
    for word in WORDS:
        arc(0, word, any_word + (NEW_WORD_COST if bundled and word not in FIRST_WORDS else 0.0))
    if not bundled:
        arc(0, UNKNOWN, any_word + unknown_cost)
    lines.append(f"0 {any_word:.4f}")
    return "\n".join(lines) + "\n"


def piped(text, *commands):
    """Through OpenFST's tools, one after the other."""
    data = text.encode()
    for command in commands:
        data = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=pathlib.Path, help="the model's folder")
    parser.add_argument("--unknown-cost", type=float, default=UNKNOWN_COST)
    parser.add_argument("--unknown-grammar-cost", type=float, default=UNKNOWN_GRAMMAR_COST)
    parser.add_argument("--bundled", action="store_true", help="for the network in speech/model, which heard FIRST_WORDS alone")
    wanted = parser.parse_args()
    phone_id = phone_ids(wanted.bundled)
    graph = wanted.model / "graph"
    graph.mkdir(parents=True, exist_ok=True)
    lookahead = glob.glob("/usr/lib/*/libfstlookahead.so.*")
    assert lookahead, "Debian's libfst-tools and its library are missing"
    with tempfile.TemporaryDirectory() as folder:
        plain, pairs = f"{folder}/hcl.fst", f"{folder}/relabel"
        lines = lexicon_and_states(wanted.unknown_cost, phone_id)
        pathlib.Path(plain).write_bytes(piped(lines, ["fstcompile"], ["fstarcsort", "--sort_type=olabel"]))
        # Debian's tool knows the lookahead type once its library is loaded before it.
        convert = ["fstconvert", "--fst_type=olabel_lookahead", f"--save_relabel_opairs={pairs}"]
        subprocess.run(
            [*convert, plain, str(graph / "HCLr.fst")], env={**os.environ, "LD_PRELOAD": lookahead[0]}, check=True
        )
        moved = dict(map(int, line.split()) for line in open(pairs))

    def relabel(number):
        return moved.get(number, number)

    lines = grammar(relabel, wanted.unknown_grammar_cost, wanted.bundled)
    (graph / "Gr.fst").write_bytes(
        piped(lines, ["fstcompile"], ["fstarcsort", "--sort_type=ilabel"], ["fstconvert", "--fst_type=const"])
    )
    names = "".join(f"{word} {relabel(number)}\n" for word, number in WORD_ID.items())
    (graph / "words.txt").write_text("<eps> 0\n" + names)
    # No disambiguation symbol is used: one id that never occurs.
    (graph / "disambig_tid.int").write_text(f"{2 * len(phone_id) + 1}\n")


if __name__ == "__main__":
    main()
