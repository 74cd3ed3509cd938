"""Batch norms' statistics measured anew, against a plain average over batches."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("mmengine")

from torch import nn  # noqa: E402

from mrcl_bench.engine.precise_norm import PreciseNormHook, measure  # noqa: E402


class Model(nn.Module):
    """A norm that is trained, one that is frozen, and mmengine's manners."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.frozen = nn.BatchNorm1d(3)
        self.modes: list[str] = []
        self.train()

    def train(self, mode: bool = True) -> Model:
        super().train(mode)
        self.frozen.eval()
        return self

    def data_preprocessor(self, batch: Any, training: bool) -> dict[str, Any]:
        assert training
        return {"inputs": batch}

    def forward(self, inputs: Any, mode: str) -> dict[str, Any]:
        self.modes.append(mode)
        return {"loss": self.frozen(self.norm(inputs)).sum()}


def test_statistics_are_averages_over_batches() -> None:
    torch.manual_seed(0)
    model = Model()
    weights = {key: value.clone() for key, value in model.named_parameters()}
    batches = [torch.randn(5, 3) * 3 + index for index in range(4)]
    assert measure(model, batches, 3) == 1
    torch.testing.assert_close(
        model.norm.running_mean, torch.stack([batch.mean(0) for batch in batches[:3]]).mean(0)
    )
    torch.testing.assert_close(
        model.norm.running_var, torch.stack([batch.var(0) for batch in batches[:3]]).mean(0)
    )
    assert model.modes == ["loss"] * 3 and model.norm.momentum == 0.1
    assert not model.frozen.running_mean.any()
    assert all(torch.equal(value, weights[key]) for key, value in model.named_parameters())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_short_loader_is_used_whole() -> None:
    model = Model()
    batches = [torch.ones(4, 3), 3 * torch.ones(4, 3)]
    measure(model, batches, 200)
    torch.testing.assert_close(model.norm.running_mean, torch.full((3,), 2.0))


def test_a_model_without_batch_norms_is_not_run() -> None:
    model = Model()
    model.eval()
    assert measure(model, [torch.ones(4, 3)], 1) == 0
    assert model.modes == []


def test_it_measures_once_after_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    seen: list[Any] = []
    monkeypatch.setattr(
        "mrcl_bench.engine.precise_norm.measure", lambda *arguments: seen.append(arguments)
    )
    hook = PreciseNormHook(batches=7)
    for step in range(5):
        runner = SimpleNamespace(
            iter=step, max_iters=5, model="model", seed=3,
            cfg=SimpleNamespace(train_dataloader="plan"),
            build_dataloader=lambda plan, seed: f"fresh loader by {plan}, seed {seed}",
        )  # fmt: skip
        hook.after_train_iter(runner, step)
        assert len(seen) == (step == 4)
    assert seen == [("model", "fresh loader by plan, seed 3", 7)]
    with pytest.raises(ValueError, match="batches"):
        PreciseNormHook(batches=0)
