"""One training step of the translation, against the loss with its off-diagonal copied out.

Both sides have the same two towers (1024 and 2048 inputs), batch 4096, forward, loss, backward,
Adam. The plain loss is `D[eye <= 0].reshape(n, n - 1)` against the diagonal repeated. Run with
`python -m tests.benchmarks translation`.
"""

import time
from collections.abc import Callable

import numpy as np

N_PAIRS, N_AUDIO, N_IMAGE = 4096, 1024, 2048
N_STEPS = 5


def run() -> list[dict]:
    """One row {what, against, ratio, at_least, detail}; fails when loss or gradient differ."""
    import torch
    from torch import Tensor

    from core.spaces.losses import margin_loss
    from core.spaces.translation import TranslationConfig
    from core.spaces.translation_training import Tower

    def copied_out(a: Tensor, b: Tensor) -> Tensor:
        n = len(a)
        similarity = a @ b.T
        negative = similarity[torch.eye(n) <= 0].reshape(n, n - 1)
        positive = similarity.diagonal().reshape(n, 1).repeat(1, n - 1)
        return torch.clamp(1.0 - positive + negative, min=0).mean()

    rng = np.random.default_rng(0)
    # The items of a pair have common parts, so that the loss can fall below its chance value.
    latent = rng.normal(size=(N_PAIRS, 16))
    audio, image = (
        torch.from_numpy(
            (latent @ rng.normal(size=(16, d)) + rng.normal(size=(N_PAIRS, d))).astype(np.float32)
        )
        for d in (N_AUDIO, N_IMAGE)
    )
    config = TranslationConfig()

    def side(loss: Callable[[Tensor, Tensor], Tensor]) -> Callable[[], float]:
        towers = [Tower(d, config, np.random.default_rng(d)) for d in (N_AUDIO, N_IMAGE)]
        parameters = [p for tower in towers for p in tower.parameters()]
        optimizer = torch.optim.Adam(parameters, lr=config.learning_rate)

        def step() -> float:
            value = loss(towers[0](audio), towers[1](image))
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
            return value.item()

        return step

    steps = {"ours": side(margin_loss), "plain": side(copied_out)}
    losses: dict[str, list[float]] = {name: [] for name in steps}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    # The first step is a warm-up; the sides take turns, so that other load slows both.
    for i in range(N_STEPS + 1):
        for name, step in steps.items():
            started = time.perf_counter()
            losses[name].append(step())
            if i:
                seconds[name].append(time.perf_counter() - started)
    # The first step starts from equal towers; later ones agree only if the gradients did too.
    np.testing.assert_allclose(losses["ours"], losses["plain"], rtol=2e-5)
    # The fastest step of each side, to exclude waiting for a busy machine.
    ours, plain = (min(seconds[name]) for name in ("ours", "plain"))
    return [
        {
            "what": f"translation step, batch {N_PAIRS}, {N_AUDIO} + {N_IMAGE} inputs",
            "against": "the same towers, off-diagonal copied out",
            "ratio": plain / ours,
            "at_least": 2.0,
            "detail": f"{1000 * ours:.0f} ms against {1000 * plain:.0f} ms, "
            f"loss {losses['ours'][0]:.5f} → {losses['ours'][-1]:.5f} on both sides",
        }
    ]


if __name__ == "__main__":
    print(run())
