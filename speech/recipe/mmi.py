"""Lattice-free maximum mutual information (Povey et al., Interspeech 2016): its value and its gradient. numpy alone.

The score of a clip is log p(its own words) - log p(any phones at all), each summed over all alignments by the
forward-backward algorithm. The gradient by the network's outputs is the difference of the two occupancies.
Every HMM state stays or leaves with probability 1/2, as in the TransitionModel that export.py writes.
"""

import numpy as np


def forward_backward(emissions, lengths, start, step, back, final):
    """Scaled, in the probability domain. emissions: (batch, T, states), not logarithmic.

    step(a), back(b) apply the transitions forwards and backwards to (batch, states).
    Returns (occupancies, log p), shapes (batch, T, states) and (batch,); frames past a length count nothing in log p.
    """
    batch, frames, _ = emissions.shape
    alphas, occupancies, log_p = np.empty_like(emissions), np.zeros_like(emissions), np.zeros(batch)
    alpha = start * emissions[:, 0]
    for t in range(frames):
        if t:
            alpha = step(alpha) * emissions[:, t]
        total = alpha.sum(1) + 1e-300
        alpha = alpha / total[:, None]
        alphas[:, t] = alpha
        log_p += np.where(t < lengths, np.log(total), 0.0)
    log_p += np.log((alphas[np.arange(batch), lengths - 1] * final).sum(1) + 1e-300)
    beta = final.copy()
    for t in range(frames - 1, -1, -1):
        beta = np.where((t == lengths - 1)[:, None], final, beta)
        occupied = alphas[:, t] * beta
        occupancies[:, t] = occupied / (occupied.sum(1, keepdims=True) + 1e-300)
        if t:
            beta = back(beta * emissions[:, t])
            beta /= beta.max(1, keepdims=True) + 1e-300
    return occupancies, log_p


def _scaled_back(log_p, peaks, lengths):
    return log_p + (peaks * (np.arange(peaks.shape[1])[None] < lengths[:, None])).sum(1)


def any_phones(outputs, lengths, start, transitions):
    """Occupancies and log p of the phone bigram (the denominator)."""
    peaks = outputs.max(2, keepdims=True)
    batch, _, phones = outputs.shape
    occupancies, log_p = forward_backward(
        np.exp(outputs - peaks),
        lengths,
        np.tile(start, (batch, 1)),
        lambda alpha: alpha @ transitions,
        lambda beta: beta @ transitions.T,
        np.ones((batch, phones)),
    )
    return occupancies, _scaled_back(log_p, peaks[:, :, 0], lengths)


def own_words(outputs, lengths, chains):
    """Occupancies and log p of each clip's own chain (the numerator).

    chains: per clip (pdf-ids, skippable): a state may be entered from the one before, and from the one before that
    where skippable is 1.
    """
    batch, frames, _ = outputs.shape
    states = max(len(pdfs) for pdfs, _ in chains)
    index = np.zeros((batch, states), int)
    skip, final, real = np.zeros((3, batch, states))
    for row, (pdfs, skippable) in enumerate(chains):
        index[row, : len(pdfs)], skip[row, : len(pdfs)] = pdfs, skippable
        final[row, len(pdfs) - 1], real[row, : len(pdfs)] = 1, 1
    chosen = np.take_along_axis(outputs, np.broadcast_to(index[:, None], (batch, frames, states)), 2)
    peaks = np.where(real[:, None] > 0, chosen, -1e9).max(2, keepdims=True)
    start = np.zeros((batch, states))
    start[:, 0] = 1

    def step(alpha):
        after = alpha.copy()
        after[:, 1:] += alpha[:, :-1]
        after[:, 2:] += alpha[:, :-2] * skip[:, 2:]
        return 0.5 * after

    def back(beta):
        before = beta.copy()
        before[:, :-1] += beta[:, 1:]
        before[:, :-2] += (beta * skip)[:, 2:]
        return 0.5 * before

    by_state, log_p = forward_backward(np.exp(chosen - peaks) * real[:, None], lengths, start, step, back, final)
    occupancies = np.zeros(outputs.shape)
    for row in range(batch):
        np.add.at(occupancies[row].T, index[row], by_state[row].T)
    return occupancies, _scaled_back(log_p, peaks[:, :, 0], lengths)


def loss(outputs, lengths, chains, start, transitions):
    """(log p of any phones - log p of its own words) per clip, never far below 0, and its gradient by the outputs."""
    outputs = outputs.astype(np.float64)
    any_occupancies, any_log_p = any_phones(outputs, lengths, start, transitions)
    own_occupancies, own_log_p = own_words(outputs, lengths, chains)
    inside = (np.arange(outputs.shape[1])[None] < lengths[:, None])[:, :, None]
    return any_log_p - own_log_p, (any_occupancies - own_occupancies) * inside
