"""Supervised ViT-B/16 after DeiT-B, 300 epochs at batch 1024.

Source: mmpretrain `deit/deit-base_16xb64_in1k.py`. Its moving average of the weights is left out:
the weights that leave a run here are the trained ones, as for every other recipe.
"""

_base_ = [
    "../../_base_/models/supervised_vit-base-p16.py",
    "../../_base_/datasets/in1k_randaug.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="supervised",
    display="Supervised",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="imagenet",
    role="ceiling",
    source="mmpretrain",
)
train_dataloader = dict(batch_size=64)
val_dataloader = None
val_evaluator = None
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(
        type="AdamW", lr=5e-4 * 1024 / 512, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.05
    ),
    clip_grad=dict(max_norm=5.0),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        flat_decay_mult=0.0,
        custom_keys={".cls_token": dict(decay_mult=0.0), ".pos_embed": dict(decay_mult=0.0)},
    ),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, end=20, by_epoch=True, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min=1e-5, begin=20, end=300, by_epoch=True),
]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=300)
auto_scale_lr = dict(enable=False, base_batch_size=1024)
