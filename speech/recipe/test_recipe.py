"""The recipe's numeric core, held to finite differences and to sums over every path. Needs numpy alone."""

import itertools

import numpy as np

import mmi
from network import EPSILON, LEFT, RIGHT, Network, rate_at

START = np.array([0.9, 0.1, 0.0])
TRANSITIONS = 0.5 * np.eye(3) + 0.5 * np.array([[0.0, 0.7, 0.3], [0.4, 0.2, 0.4], [0.5, 0.25, 0.25]])
CHAINS = [([0, 1, 0, 2, 0], [0, 0, 0, 1, 0]), ([0, 2, 0], [0, 0, 0])]
LENGTHS = np.array([7, 5])


def outputs(seed=0):
    return np.random.default_rng(seed).standard_normal((2, 7, 3))


def test_any_phones_is_the_sum_over_every_path():
    scores = outputs()
    _, found = mmi.any_phones(scores, LENGTHS, START, TRANSITIONS)
    for row, length in enumerate(LENGTHS):
        total = 0.0
        for path in itertools.product(range(3), repeat=int(length)):
            p = START[path[0]] * np.exp(scores[row, 0, path[0]])
            for t in range(1, length):
                p *= TRANSITIONS[path[t - 1], path[t]] * np.exp(scores[row, t, path[t]])
            total += p
        assert np.isclose(found[row], np.log(total))


def test_own_words_is_the_sum_over_every_alignment():
    scores = outputs()
    _, found = mmi.own_words(scores, LENGTHS, CHAINS)
    for row, (pdfs, skippable) in enumerate(CHAINS):
        total = 0.0
        for path in itertools.product(range(len(pdfs)), repeat=int(LENGTHS[row])):
            moves = [b - a for a, b in zip(path, path[1:])]
            allowed = all(move in (0, 1) or (move == 2 and skippable[b]) for move, b in zip(moves, path[1:]))
            if path[0] == 0 and path[-1] == len(pdfs) - 1 and allowed:
                total += 0.5 ** len(moves) * np.exp(sum(scores[row, t, pdfs[state]] for t, state in enumerate(path)))
        assert np.isclose(found[row], np.log(total))


def test_the_gradient_of_the_loss_is_that_of_finite_differences():
    scores = outputs(1)
    _, gradient = mmi.loss(scores, LENGTHS, CHAINS, START, TRANSITIONS)
    for place in np.ndindex(scores.shape):
        moved = []
        for by in (1e-5, -1e-5):
            other = scores.copy()
            other[place] += by
            moved.append(mmi.loss(other, LENGTHS, CHAINS, START, TRANSITIONS)[0].sum())
        assert np.isclose(gradient[place], (moved[0] - moved[1]) / 2e-5, atol=1e-6), place


def test_the_gradient_of_the_network_is_that_of_finite_differences():
    dice = np.random.default_rng(2)
    network = Network(5, dice, np.float64)
    network.weights["affine"] = dice.standard_normal(network.weights["affine"].shape)
    features = dice.standard_normal((2, LEFT + 3 * 4 - 2 + RIGHT, 40))
    pull = dice.standard_normal((2, 4, 5))
    found, tape = network.forward(features, np.random.default_rng(3))
    assert found.shape == (2, 4, 5)
    gradients = network.backward(pull, tape)
    for name, weight in network.weights.items():
        for _ in range(3):
            place = tuple(dice.integers(size) for size in weight.shape)
            kept, moved = weight[place], []
            for by in (1e-6, -1e-6):
                weight[place] = kept + by
                moved.append((network.forward(features, np.random.default_rng(3))[0] * pull).sum())
            weight[place] = kept
            assert np.isclose(gradients[name][place], (moved[0] - moved[1]) / 2e-6, rtol=1e-3, atol=1e-4), name


def test_the_rate_warms_up_and_ends_near_nothing():
    assert rate_at(0.0) < rate_at(0.1) < rate_at(0.15) > rate_at(0.5) > rate_at(1.0) > 0
    assert rate_at(1.0) < 1e-5 and EPSILON > 0
