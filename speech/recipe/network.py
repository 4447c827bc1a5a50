"""The acoustic model: a time-delay network with ReLU and batch norm, its gradient by hand, and Adam. numpy alone.

Layer 0 runs each 10 ms; of the layers behind it only each third frame is needed, as one output frame is 30 ms.
"""

import numpy as np

WIDTH, FEATURES = 160, 40
# Each layer's offsets in frames of 10 ms. The two last look further back than ahead: what is ahead is waited for.
OFFSETS = [(-1, 0, 1), (-1, 0, 1), (-3, 0, 3), (-3, 0, 3), (-6, 0, 3), (-6, 0, 3)]
LEFT = -sum(offsets[0] for offsets in OFFSETS)
RIGHT = sum(offsets[-1] for offsets in OFFSETS)
EPSILON = 1e-5


def inputs(layer, length):
    """The slices of a layer's input of that length, one for each offset, that its output is made of."""
    offsets = [offset if layer < 2 else offset // 3 for offset in OFFSETS[layer]]
    reach, stride = offsets[-1] - offsets[0], 3 if layer == 1 else 1
    return [slice(k - offsets[0], length - reach + k - offsets[0], stride) for k in offsets]


class Network:
    """Parameters by name in `weights`; `state` is what the training data say and no gradient moves."""

    def __init__(self, outputs, generator, dtype=np.float32):
        self.weights, self.state = {}, {}
        width = FEATURES
        for layer in range(len(OFFSETS)):
            bound = (3 * width) ** -0.5
            self.weights[f"affine{layer}"] = generator.uniform(-bound, bound, (3 * width, WIDTH)).astype(dtype)
            self.weights[f"bias{layer}"] = np.zeros(WIDTH, dtype)
            self.state[f"mean{layer}"], self.state[f"variance{layer}"] = np.zeros(WIDTH, dtype), np.ones(WIDTH, dtype)
            width = WIDTH
        self.weights["affine"] = np.zeros((WIDTH, outputs), dtype)
        self.weights["bias"] = np.zeros(outputs, dtype)
        self.state["mean"], self.state["deviation"] = np.zeros(FEATURES, dtype), np.ones(FEATURES, dtype)

    def forward(self, features, generator=None):
        """(batch, LEFT + 3 T - 2 + RIGHT, 40) -> ((batch, T, outputs), what `backward` needs).

        With a generator it trains: batch norm by this batch, channels scaled at random. Without, by the state.
        """
        x = (features - self.state["mean"]) / self.state["deviation"]
        tape = []
        for layer in range(len(OFFSETS)):
            full, places = x.shape[1], inputs(layer, x.shape[1])
            spliced = np.concatenate([x[:, place] for place in places], 2)
            rectified = spliced @ self.weights[f"affine{layer}"]
            rectified += self.weights[f"bias{layer}"]
            np.maximum(rectified, 0, out=rectified)
            if generator is None:
                mean, variance = self.state[f"mean{layer}"], self.state[f"variance{layer}"]
                scale = 1.0
            else:
                mean = rectified.mean((0, 1))
                variance = np.einsum("btw,btw->w", rectified, rectified) / rectified[..., 0].size - mean**2
                variance = np.maximum(variance, 0)
                for name, now in (("mean", mean), ("variance", variance)):
                    self.state[f"{name}{layer}"] = 0.9 * self.state[f"{name}{layer}"] + 0.1 * now
                scale = generator.uniform(0.8, 1.2, (x.shape[0], 1, WIDTH)).astype(x.dtype)
            deviation = np.sqrt(variance + EPSILON)
            positive = rectified > 0
            normal = rectified
            normal -= mean
            normal /= deviation
            x = normal * scale
            tape.append((spliced, positive, normal, deviation, scale, full))
        return x @ self.weights["affine"] + self.weights["bias"], (tape, x)

    def backward(self, gradient, recorded):
        """The loss's gradient by the outputs -> by each weight. After a forward pass in training."""
        tape, last = recorded
        found = {
            "affine": last.reshape(-1, WIDTH).T @ gradient.reshape(-1, gradient.shape[2]),
            "bias": gradient.sum((0, 1)),
        }
        gradient = gradient @ self.weights["affine"].T
        for layer in reversed(range(len(OFFSETS))):
            spliced, positive, normal, deviation, scale, full = tape[layer]
            gradient = gradient * scale
            along = np.einsum("btw,btw->w", gradient, normal) / normal[..., 0].size
            gradient -= gradient.mean((0, 1))
            gradient -= normal * along
            gradient /= deviation
            gradient *= positive
            width = spliced.shape[2]
            found[f"affine{layer}"] = spliced.reshape(-1, width).T @ gradient.reshape(-1, WIDTH)
            found[f"bias{layer}"] = gradient.sum((0, 1))
            if layer == 0:
                break
            by_input = gradient @ self.weights[f"affine{layer}"].T
            gradient = np.zeros((by_input.shape[0], full, width // 3), by_input.dtype)
            for part, place in enumerate(inputs(layer, full)):
                gradient[:, place] += by_input[:, :, part * width // 3 : (part + 1) * width // 3]
        return found

    def save(self, path, **more):
        np.savez(path, **self.weights, **{f"state_{name}": value for name, value in self.state.items()}, **more)

    @classmethod
    def load(cls, path):
        stored = np.load(path)
        network = cls(len(stored["bias"]), np.random.default_rng(0))
        network.weights = {name: stored[name] for name in network.weights}
        network.state = {name: stored[f"state_{name}"] for name in network.state}
        return network


class Adam:
    def __init__(self, weights):
        self.count = 0
        self.first = {name: np.zeros_like(value) for name, value in weights.items()}
        self.second = {name: np.zeros_like(value) for name, value in weights.items()}

    def step(self, weights, gradients, rate):
        """Moves the weights in place, the whole gradient's norm cut at 2."""
        norm = np.sqrt(sum(float((gradient.astype(np.float64) ** 2).sum()) for gradient in gradients.values()))
        self.count += 1
        rate *= np.sqrt(1 - 0.999**self.count) / (1 - 0.9**self.count)
        for name, gradient in gradients.items():
            gradient = gradient * min(1.0, 2.0 / (norm + 1e-6))
            self.first[name] += 0.1 * (gradient - self.first[name])
            self.second[name] += 0.001 * (gradient**2 - self.second[name])
            weights[name] -= (rate * self.first[name] / (np.sqrt(self.second[name]) + 1e-8)).astype(weights[name].dtype)


def rate_at(done, peak=2e-3, warm=0.15):
    """The learning rate when that share of the training is done: up for a while, then down, both by half a cosine."""
    low, high, share = (peak / 25, peak, done / warm) if done < warm else (peak / 1000, peak, (1 - done) / (1 - warm))
    return low + (high - low) * 0.5 * (1 - np.cos(np.pi * min(max(share, 0.0), 1.0)))
