#!/usr/bin/env python3
"""Word error rates of a model by the stock libvosk, for each voice; and what becomes of unknown words.

A clips' folder holds text.tsv (file, voice, words) and 16 kHz mono WAVs. `[unk]` counts nothing: not as a word wanted,
and not as one heard. So in a folder of unknown words alone every word heard is a false one.
"""

import argparse
import collections
import pathlib
import sys
import time

from libvosk import Model, read_clip

UNKNOWN = "[unk]"


def errors(wanted, heard):
    """Insertions, deletions and substitutions from one list of words to the other."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(wanted, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


def read(folder):
    """[(file, voice, words wanted)]"""
    rows = [line.rstrip("\n").split("\t") for line in (folder / "text.tsv").open()]
    return [(folder / file, voice, text.split()) for file, voice, text in rows]


def known(words):
    return [word for word in words if word != UNKNOWN]


def measure(model, folder, phrases=None, verbose=False):
    """Prints the folder's figures and returns (wrong words, words)."""
    wrong, total, sure, spoken_to = collections.Counter(), collections.Counter(), 0, 0
    false, unknown, rejected, audio, begun = 0, 0, 0, 0.0, time.process_time()
    clips = read(folder)
    for path, voice, wanted in clips:
        pcm = read_clip(path)
        heard = [word for word, _, _, _ in model.words(pcm, phrases)]
        if verbose:
            print(f"{path.name} {voice}: {' '.join(wanted)} -> {' '.join(heard)}")
        wrong[voice] += errors(known(wanted), known(heard))
        total[voice] += len(known(wanted))
        unknown += wanted.count(UNKNOWN)
        rejected += heard.count(UNKNOWN)
        false += len(known(heard))
        spoken_to += bool(known(heard))
        sure += known(wanted) == known(heard)
        audio += len(pcm) / 32000
    took = time.process_time() - begun
    words = sum(total.values())
    if words:
        by_voice = ", ".join(f"{voice} {100 * wrong[voice] / total[voice]:.1f}" for voice in sorted(total))
        rate = 100 * sum(wrong.values()) / words
        print(f"{folder.name}: WER {rate:.1f} % of {words} words, {sure}/{len(clips)} clips right ({by_voice})")
    else:
        print(
            f"{folder.name}: {unknown} unknown words in {len(clips)} clips: {false} known words heard, in {spoken_to} "
            f"clips; {rejected} [unk] heard"
        )
    print(f"  {took / audio:.4f} CPU seconds for a second of audio", file=sys.stderr)
    return sum(wrong.values()), words


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="the model's folder")
    parser.add_argument("clips", nargs="+", type=pathlib.Path, help="folders of clips")
    parser.add_argument("--phrases", help='a grammar, separated by commas: "yes,no,[unk]"')
    parser.add_argument("--max-wer", type=float, help="fails when one folder's rate is higher, %%")
    parser.add_argument("--verbose", action="store_true", help="prints what each clip was heard as")
    wanted = parser.parse_args()
    model, high = Model(wanted.model), False
    for folder in wanted.clips:
        phrases = wanted.phrases.split(",") if wanted.phrases else None
        wrong, words = measure(model, folder, phrases, wanted.verbose)
        high |= bool(wanted.max_wer is not None and words and 100 * wrong / words > wanted.max_wer)
    sys.exit("a word error rate is above the bound" if high else 0)


if __name__ == "__main__":
    main()
