"""Linear probe on the class token of ViT-B/16 by MAE's recipe with a sweep of rates, ImageNet-1k.

Source: MAE's `main_linprobe.py` and mmpretrain
`mae/benchmarks/vit-base-p16_8xb2048-linear-coslr-90e_in1k.py`: LARS at 0.1 x 16384 / 256 = 6.4,
batch 16384, 90 epochs, warm-up 10, cosine to 0, no decay, batch norm without affine parameters
(epsilon 1e-6) before the head, truncated normal weights with deviation 0.01, crop and flip.
Published for MAE: 67.8. The published 6.4 stands in the middle of the sweep.

As in MAE, biases are left out of the scaling by layer, and pictures are resized bicubically;
mmpretrain's file does neither. mmpretrain's LARS scales by the rate before the momentum, MAE's
after it. The crop is torchvision's, MAE's own never falls back to the centre. The batch norm is
shared by all heads and follows the first GPU's batches. Heads compute in single precision.

One head per learning rate is trained on the same batches of one frozen forward pass. The rate is
chosen on 2 % of train (some 25 pictures a class), which no head is fitted on; val is looked at
once, by the chosen head. Departures: 98 % of train are fitted, and the rate is chosen, not fixed.
"""

_base_ = [
    "../_base_/models/linear-cls_vit-base-p16.py",
    "../_base_/datasets/in1k_linear.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="linear_trained",
    family="linear-lars",
    display="Linear probe (LARS)",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=3,
)
probe = dict(held_out=0.02)
model = dict(
    head=dict(
        lr=[0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2],
        norm_eps=1e-6,
        truncated=True,
    )
)
train_dataloader = dict(
    batch_size=2048,
    drop_last=True,
    dataset=dict(
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="RandomResizedCrop", scale=224, backend="pillow", interpolation="bicubic"),
            dict(type="RandomFlip", prob=0.5, direction="horizontal"),
            dict(type="PackInputs"),
        ]
    ),
)
val_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(
                type="ResizeEdge",
                scale=256,
                edge="short",
                backend="pillow",
                interpolation="bicubic",
            ),
            dict(type="CenterCrop", crop_size=224),
            dict(type="PackInputs"),
        ]
    ),
)
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=90, val_interval=90)
val_cfg = dict(type="ValLoop")
optim_wrapper = dict(
    type="AmpOptimWrapper",
    optimizer=dict(type="LARS", lr=0.1 * 16384 / 256, momentum=0.9, weight_decay=0.0),
    constructor="OneRatePerHead",
    paramwise_cfg=dict(bias=dict(lars_exclude=True)),
)
param_scheduler = [
    dict(
        type="LinearLR",
        start_factor=1e-4,
        begin=0,
        end=10,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
    dict(
        type="CosineAnnealingLR",
        T_max=80,
        begin=10,
        end=90,
        eta_min=0.0,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=1))
auto_scale_lr = dict(enable=False, base_batch_size=16384)
