from math import cos, exp, log, pi, sqrt

import pytest
import torch

from mrcl_bench.models.mrcl import embedding_std

from .conftest import RESNET, VIT, mlp


def calls_of(module):
    """Returns a list that collects the first input's shape at each call of `module`."""
    seen = []
    module.register_forward_hook(lambda _, args, out: seen.append(tuple(args[0].shape)))
    return seen


def naive_info_nce(queries, keys, temperature):
    total = 0.0
    for i, query in enumerate(queries.tolist()):
        logits = []
        for key in keys.tolist():
            dot = sum(a * b for a, b in zip(query, key, strict=True))
            lengths = sqrt(sum(a * a for a in query)) * sqrt(sum(b * b for b in key))
            logits.append(dot / lengths / temperature)
        total += log(sum(exp(x) for x in logits)) - logits[i]
    return total / len(queries)


def test_outputs_and_logging(build, views):
    model = build(grad_norm_interval=2).train()
    outputs = model(views, None, mode="loss")
    assert set(outputs) == {
        "loss_contrast",
        "loss_reconstruct",
        "embedding_std",
        "grad_norm_contrast",
        "grad_norm_reconstruct",
    }
    assert all(value.ndim == 0 and torch.isfinite(value) for value in outputs.values())
    total, _ = model.parse_losses(outputs)
    torch.testing.assert_close(total, outputs["loss_contrast"] + outputs["loss_reconstruct"])
    assert not any("grad_norm" in name for name in model(views, None, mode="loss"))
    assert "grad_norm_contrast" in model(views, None, mode="loss")
    assert model(views[0], mode="tensor")[0].shape == (12, 32, 6, 6)


def test_grad_norm_is_that_of_the_encoder_output(build, views):
    model = build(contrast_weight=0, reconstruct_weight=3.0, grad_norm_interval=1).train()
    kept = []
    model.backbone.register_forward_hook(
        lambda _, args, out: (out[0].retain_grad(), kept.append(out[0]))[0]
    )
    outputs = model.loss(views)
    kept[0].grad = None  # The measurement itself left one there, since it is retained.
    outputs["loss_reconstruct"].backward()
    torch.testing.assert_close(outputs["grad_norm_reconstruct"], kept[0].grad.norm())


def test_info_nce_matches_a_naive_loop(build, views):
    # In eval mode the momentum encoder keeps its own random weights.
    model = build(mask_ratio=0, temperature=0.3, contrast_weight=2.0, reconstruct_weight=0).eval()
    queries, keys = [], []
    momentum = model.momentum_encoder.module
    for view in views:
        pooled = model.backbone(view, mask_ratio=0.0)[0][:, 1:].mean(dim=1)
        queries.append(model.contrast_head.predictor(model.neck((pooled,)))[0])
        pooled = momentum[0](view, mask_ratio=0.0)[0][:, 1:].mean(dim=1)
        keys.append(momentum[1]((pooled,))[0])
    expected = naive_info_nce(queries[0], keys[1], 0.3) + naive_info_nce(queries[1], keys[0], 0.3)
    assert float(model.loss(views)["loss_contrast"]) == pytest.approx(2 * expected, rel=1e-5)


def test_keys_of_other_ranks_are_negatives(build, monkeypatch):
    model = build(temperature=0.5).eval()
    projected, keys, foreign = torch.randn(3, 4, 16).unbind(0)
    module = "mmpretrain.models.heads.mocov3_head"
    monkeypatch.setattr(f"{module}.all_gather", lambda mine: [foreign, mine])
    monkeypatch.setattr(f"{module}.get_rank", lambda: 1)
    queries = model.contrast_head.predictor((projected,))[0]
    everything = torch.cat([keys, foreign])
    expected = naive_info_nce(queries, everything, 0.5)
    # The gathered keys were normalised first; the foreign ones stand in for that.
    foreign /= foreign.norm(dim=1, keepdim=True)
    assert float(model.contrast_head.loss(projected, keys)) == pytest.approx(expected, rel=1e-5)


def test_masked_error_matches_a_naive_loop_and_ignores_what_is_visible(build, views):
    model = build(mask_ratio=0.5).eval()
    images = views[0]
    encoded = model.masker.encode(model.backbone, [images], 0.5)
    loss = model.masker.reconstruct(model.decoder, model.head, encoded, [images])

    pred = model.decoder(encoded.features, encoded.ids_restore)
    errors = []
    for b in range(len(images)):
        for place in range(36):
            if not encoded.mask[b, place]:
                continue
            row, column = divmod(place, 6)
            patch = images[b, :, row * 4 : row * 4 + 4, column * 4 : column * 4 + 4]
            # mmpretrain lists a patch's values pixel by pixel, channels innermost.
            target = patch.permute(1, 2, 0).flatten()
            target = (target - target.mean()) / (target.var() + 1e-6).sqrt()
            errors.append(float(((pred[b, place] - target) ** 2).mean()))
    assert len(errors) == 12 * 18
    assert float(loss) == pytest.approx(sum(errors) / len(errors), rel=1e-5)

    pixels = encoded.mask.view(-1, 1, 6, 6).repeat_interleave(4, 2).repeat_interleave(4, 3)
    noise = torch.randn_like(images)

    def loss_on(target):
        return model.masker.reconstruct(model.decoder, model.head, encoded, [target])

    assert torch.equal(loss_on(images + noise * (1 - pixels)), loss)
    assert not torch.isclose(loss_on(images + noise * pixels), loss)


def test_both_branches_run_once_on_both_views(build, views):
    model = build(mask_ratio=0.75).train()
    online = calls_of(model.backbone.layers[0])
    momentum = calls_of(model.momentum_encoder.module[0].layers[0])
    decoder = calls_of(model.decoder.decoder_embed)
    model.loss(views)
    assert (online, momentum) == ([(24, 1 + 9, 32)], [(24, 1 + 36, 32)])
    assert decoder == [(24, 1 + 9, 32)]


def test_masking_off(build, views):
    model = build(mask_ratio=0).eval()
    seen = calls_of(model.backbone.layers[0])
    loss = model.loss(views)["loss_reconstruct"]
    assert seen == [(24, 1 + 36, 32)]
    # All patches count when none is hidden.
    images = torch.cat(views)
    encoded = model.masker.encode(model.backbone, [images], 0.0)
    pred = model.decoder(encoded.features, encoded.ids_restore)
    target = model.head.construct_target(images)
    torch.testing.assert_close(loss, ((pred - target) ** 2).mean())


def test_reconstruction_off_builds_no_decoder(build, views):
    model = build(reconstruct_weight=0).train()
    assert model.head is None and not hasattr(model, "decoder")
    outputs = model.loss(views)
    assert "loss_reconstruct" not in outputs and "grad_norm_reconstruct" not in outputs
    assert {name.split(".")[0] for name, _ in model.named_parameters()} == {
        "backbone",
        "neck",
        "contrast_head",
        "momentum_encoder",
    }
    build(reconstruct_weight=0, decoder=None, head=None)


def test_contrast_off_is_a_masked_autoencoder(build, views):
    model = build(contrast_weight=0, reconstruct_views=1, neck=None, predictor=None).train()
    assert {name.split(".")[0] for name, _ in model.named_parameters()} == {"backbone", "decoder"}
    seen = calls_of(model.backbone.layers[0])
    for inputs in (views, views[:1], views[0]):
        assert set(model.loss(inputs)) >= {"loss_reconstruct", "embedding_std"}
    assert seen == [(12, 1 + 18, 32)] * 3
    with pytest.raises(ValueError, match="1 view"):
        build(contrast_weight=0).loss(views[:1])


def test_one_reconstructed_view(build, views):
    model = build(reconstruct_views=1).train()
    seen, encoder = calls_of(model.decoder.decoder_embed), calls_of(model.backbone.layers[0])
    model.loss(views)
    assert seen == [(12, 1 + 18, 32)] and encoder == [(24, 1 + 18, 32)]


def test_no_gradient_in_the_momentum_branch(build, views):
    model = build().train()
    loss, _ = model.parse_losses(model.loss(views))
    loss.backward()
    for name, parameter in model.named_parameters():
        frozen = name.startswith("momentum_encoder") or name.endswith("pos_embed")
        assert parameter.requires_grad is not frozen, name
        assert (parameter.grad is None) is frozen, name


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_momentum_arithmetic(build, views, schedule):
    model = build(base_momentum=0.2, momentum_schedule=schedule).train()
    online = model.backbone.layers[0].attn.qkv.weight
    momentum = model.momentum_encoder.module[0].layers[0].attn.qkv.weight
    model.loss(views)
    assert torch.equal(online, momentum), "the first step copies"
    expected = momentum.clone()
    for step in (1, 2):
        with torch.no_grad():
            online += 1.0
        model.loss(views)
        share = 0.2 * (cos(pi * step / 100) + 1) / 2 if schedule == "cosine" else 0.2
        expected = (1 - share) * expected + share * online
        torch.testing.assert_close(momentum, expected)
    model.eval().loss(views)
    torch.testing.assert_close(momentum, expected)


@pytest.mark.parametrize("base", [VIT, RESNET], ids=["vit", "resnet"])
def test_training_lowers_both_losses(build, views, base):
    model = build(base, grad_norm_interval=0).train()
    if base is RESNET:
        views = [torch.nn.functional.interpolate(v, size=64, mode="bilinear") for v in views]
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    history = []
    for _ in range(40):
        outputs = model.loss(views)
        optimizer.zero_grad()
        model.parse_losses(outputs)[0].backward()
        optimizer.step()
        history.append([float(outputs["loss_contrast"]), float(outputs["loss_reconstruct"])])
    first, last = torch.tensor(history[:3]).mean(0), torch.tensor(history[-3:]).mean(0)
    assert (last < 0.9 * first).all(), (first, last)


def test_resnet_hides_cells_of_the_image(build):
    model = build(RESNET, mask_ratio=0.5).train()
    images = torch.randn(4, 3, 48, 64)
    mask = model.masker.draw(images, 0.5)
    assert mask.shape == (4, 12) and mask.sum(dim=1).tolist() == [6] * 4
    blanked = model.masker.blank(images, mask)
    for place in range(12):
        row, column = divmod(place, 4)
        cell = slice(row * 16, row * 16 + 16), slice(column * 16, column * 16 + 16)
        for b in range(4):
            kept = images[b, :, *cell] if not mask[b, place] else torch.zeros(3, 16, 16)
            assert torch.equal(blanked[b, :, *cell], kept)

    square = [torch.randn(4, 3, 48, 48) for _ in range(2)]
    decoder, outputs = calls_of(model.decoder), model.loss(square)
    # 48 px is one and a half strides: the decoder overhangs and is resampled.
    assert decoder == [(8, 64, 2, 2)]
    assert all(torch.isfinite(value) for value in outputs.values())
    with pytest.raises(ValueError, match="does not divide"):
        model.masker.draw(torch.randn(1, 3, 40, 40), 0.5)


def test_resnet_degenerate_cases(build):
    views = [torch.randn(4, 3, 64, 64) for _ in range(2)]
    unmasked = build(RESNET, mask_ratio=0)
    assert unmasked.masker.encode(unmasked.backbone, [views[0]], 0).mask is None
    assert torch.isfinite(unmasked.loss(views)["loss_reconstruct"])
    assert not hasattr(build(RESNET, reconstruct_weight=0), "decoder")
    assert not hasattr(build(RESNET, contrast_weight=0), "momentum_encoder")


def test_class_token_pooling(build, views):
    model = build(pool="cls").eval()
    encoded = model.masker.encode(model.backbone, [views[0]], 0.5)
    assert torch.equal(encoded.pooled, encoded.features[:, 0])


def test_promoted_weights_are_where_the_prefix_says(build):
    for promote in ("online", "momentum"):
        model = build(promote=promote)
        state, prefix = model.state_dict(), model.promoted_prefix
        found = {k.removeprefix(prefix) for k in state if k.startswith(prefix)}
        assert found == set(model.backbone.state_dict())


def test_embedding_std_tells_collapse_from_spread():
    assert embedding_std(torch.ones(64, 16)) < 1e-6
    assert embedding_std(torch.randn(4096, 16)) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    ("overrides", "match"),
    [
        (dict(mask_ratio=1.0), "mask_ratio"),
        (dict(mask_ratio=-0.1), "mask_ratio"),
        (dict(contrast_weight=0, reconstruct_weight=0), "not both 0"),
        (dict(contrast_weight=-1), "none below 0"),
        (dict(temperature=0), "temperature"),
        (dict(reconstruct_views=3), "reconstruct_views"),
        (dict(momentum_schedule="linear"), "momentum_schedule"),
        (dict(promote="teacher"), "promote"),
        (dict(promote="momentum", contrast_weight=0), "promote"),
        (dict(decoder=None), "config for decoder"),
        (dict(neck=None, predictor=None), "neck and predictor"),
        (dict(neck=mlp(32, 16) | dict(with_avg_pool=True)), "with_avg_pool"),
        (dict(decoder=VIT["decoder"] | dict(num_patches=16)), "num_patches"),
        (dict(head=VIT["head"] | dict(patch_size=8)), "patch_size"),
        (dict(pool="max"), "pool"),
    ],
)
def test_settings_that_cannot_be(build, overrides, match):
    with pytest.raises(ValueError, match=match):
        build(**overrides)
