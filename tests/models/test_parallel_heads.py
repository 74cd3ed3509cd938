"""Parallel heads: each is the probe that it would be alone, over a backbone that stands still."""

from __future__ import annotations

from typing import Any

import pytest
import torch

pytest.importorskip("mmpretrain")

from mmengine.optim import build_optim_wrapper  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402
from mmpretrain.structures import DataSample  # noqa: E402

from mrcl_bench.models import FrozenClassifier, HeadAccuracy, ParallelLinearHeads  # noqa: E402


class Model(torch.nn.Module):
    """What the optimiser's constructor sees of a classifier."""

    def __init__(self, **head: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head = ParallelLinearHeads(num_classes=3, in_channels=8, **head)


def _samples(labels: torch.Tensor) -> list[DataSample]:
    return [DataSample().set_gt_label(int(label)) for label in labels]


def _train(lr: list[float], optimizer: dict[str, Any], **head: Any) -> ParallelLinearHeads:
    init_default_scope("mmpretrain")
    model = Model(lr=lr, **head)
    wrapper = build_optim_wrapper(
        model, dict(type="OptimWrapper", optimizer=optimizer, constructor="OneRatePerHead")
    )
    generator = torch.Generator().manual_seed(1)
    for _ in range(25):
        x = 3 + torch.randn(16, 8, generator=generator)
        labels = x[:, :3].argmax(dim=1)
        wrapper.update_params(model.head.loss(x, _samples(labels))["loss"])
    return model.head


@pytest.mark.parametrize(
    ("optimizer", "head"),
    [
        (dict(type="SGD", lr=9.9, momentum=0.9, weight_decay=0.0), {}),
        (dict(type="LARS", lr=9.9, momentum=0.9, weight_decay=0.0), dict(norm_eps=1e-6)),
    ],
)
def test_together_is_alone(optimizer: dict[str, Any], head: dict[str, Any]) -> None:
    rates = [0.01, 1.0, 50.0]
    together = _train(rates, optimizer, **head)
    for index, rate in enumerate(rates):
        alone = _train([rate], optimizer, **head)
        assert torch.equal(together.linears[index].weight, alone.linears[0].weight)
        assert torch.equal(together.linears[index].bias, alone.linears[0].bias)
    first, _, last = (linear.weight for linear in together.linears)
    assert not torch.allclose(first, last)


def test_heads_start_alike_and_as_asked() -> None:
    torch.manual_seed(0)
    head = ParallelLinearHeads([1.0, 2.0], num_classes=50, in_channels=400, std=0.01)
    weights = [linear.weight for linear in head.linears]
    assert torch.equal(*weights) and weights[0] is not weights[1]
    assert weights[0].std().item() == pytest.approx(0.01, rel=0.05)
    assert all(not linear.bias.any() for linear in head.linears)
    before = weights[0].clone()
    head.init_weights()
    assert torch.equal(head.linears[0].weight, head.linears[1].weight)
    assert not torch.equal(before, head.linears[0].weight)


def test_the_number_of_heads_draws_no_random_numbers() -> None:
    after = []
    for count in (1, 5):
        torch.manual_seed(0)
        ParallelLinearHeads(list(range(1, count + 1)), num_classes=3, in_channels=4)
        after.append(torch.rand(3))
    assert torch.equal(*after)


@pytest.mark.parametrize("rates", [[], [1.0, 1.0], [2.0, 1.0]])
def test_rates_must_ascend(rates: list[float]) -> None:
    with pytest.raises(ValueError, match="ascending"):
        ParallelLinearHeads(rates, num_classes=3, in_channels=4)


def test_every_head_has_its_rate_and_schedules_scale_them_alike() -> None:
    from mmengine.optim import MultiStepLR

    init_default_scope("mmpretrain")
    model = Model(lr=[0.5, 2.0])
    config = dict(
        type="OptimWrapper",
        optimizer=dict(type="LARS", lr=6.4, momentum=0.9),
        constructor="OneRatePerHead",
        paramwise_cfg=dict(bias=dict(lars_exclude=True)),
    )
    wrapper = build_optim_wrapper(model, config)
    groups = wrapper.optimizer.param_groups
    assert [group["lr"] for group in groups] == [0.5, 0.5, 2.0, 2.0]
    assert [group.get("lars_exclude", False) for group in groups] == [False, True] * 2
    found = {id(group["params"][0]) for group in groups}
    assert found == {id(parameter) for parameter in model.head.parameters()}
    scheduler = MultiStepLR(wrapper, milestones=[1], gamma=0.1)
    scheduler.step()
    assert [group["lr"] for group in groups] == pytest.approx([0.05, 0.05, 0.2, 0.2])


def test_the_norm_is_the_parameter_free_batch_norm() -> None:
    head = ParallelLinearHeads([1.0], num_classes=3, in_channels=8, norm_eps=1e-6)
    assert head.norm is not None
    assert (head.norm.eps, head.norm.affine) == (1e-6, False)
    x = 5 + 2 * torch.randn(64, 8)
    (scores,) = head((x,))
    centred = (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-6).sqrt()
    torch.testing.assert_close(scores, head.linears[0](centred), rtol=1e-4, atol=1e-5)


def test_heads_stay_in_single_precision() -> None:
    head = ParallelLinearHeads([1.0], num_classes=3, in_channels=8, norm_eps=1e-6)
    x = torch.randn(4, 8, dtype=torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (scores,) = head(x)
    assert scores.dtype == torch.float32


def test_the_loss_is_the_sum_and_each_is_logged() -> None:
    head = ParallelLinearHeads([0.3, 30.0], num_classes=3, in_channels=8)
    x, labels = torch.randn(4, 8), torch.tensor([0, 1, 2, 0])
    losses = head.loss(x, _samples(labels))
    expected = torch.nn.functional.cross_entropy(head.linears[0](x), labels)
    assert set(losses) == {"loss", "cross_entropy_0.3", "cross_entropy_30"}
    torch.testing.assert_close(losses["cross_entropy_0.3"], expected)
    torch.testing.assert_close(losses["loss"], 2 * expected)
    assert not losses["cross_entropy_30"].requires_grad


def test_all_heads_predict_until_one_is_chosen() -> None:
    head = ParallelLinearHeads([1.0, 2.0], num_classes=3, in_channels=8)
    torch.nn.init.normal_(head.linears[1].weight)
    x, labels = torch.randn(5, 8), torch.tensor([0, 1, 2, 0, 1])
    by_all = [sample.head_labels for sample in head.predict(x, _samples(labels))]
    expected = [torch.stack([linear(row).argmax() for linear in head.linears]) for row in x]
    assert torch.equal(torch.stack(by_all), torch.stack(expected))
    head.chosen = 1
    chosen = head.predict(x, _samples(labels))
    assert torch.equal(
        torch.stack([sample.head_labels for sample in chosen])[:, 0], torch.stack(expected)[:, 1]
    )
    metric = HeadAccuracy()
    metric.process(None, [sample.to_dict() for sample in chosen])
    right = torch.stack(expected)[:, 1] == labels
    assert metric.evaluate(5) == {"head/0": pytest.approx(right.float().mean().item())}
    assert metric.right[:, 0].tolist() == right.tolist()


def test_the_backbone_stands_still() -> None:
    init_default_scope("mmpretrain")
    model = FrozenClassifier(
        backbone=dict(type="ResNet", depth=18, out_indices=(3,)),
        neck=dict(type="GlobalAveragePooling"),
        head=dict(type="ParallelLinearHeads", lr=[1.0], num_classes=3, in_channels=512),
    )
    before = {key: value.clone() for key, value in model.backbone.state_dict().items()}
    model.train()
    assert model.head.training
    assert not any(module.training for module in model.backbone.modules())
    assert not any(parameter.requires_grad for parameter in model.backbone.parameters())
    inputs, labels = torch.randn(2, 3, 32, 32), torch.tensor([0, 1])
    losses = model(inputs, _samples(labels), mode="loss")
    losses["loss"].backward()
    assert all(parameter.grad is not None for parameter in model.head.parameters())
    assert not model.extract_feat(inputs)[-1].requires_grad
    for key, value in model.backbone.state_dict().items():
        assert torch.equal(value, before[key]), key
