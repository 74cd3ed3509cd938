"""Fine-tuning of ResNet-50 by the recipe A3 of "ResNet strikes back", 100 epochs at batch 2048.

Source: mmpretrain `resnet/resnet50_8xb256-rsb-a3-100e_in1k.py` and its bases (Lamb at 0.008, decay
0.02 but none on norms and biases, warm-up 5, cosine, binary cross-entropy, mixup 0.1, CutMix 1.0,
RandAugment 6, tests at 95 % crop). A3 was made to train from scratch; A2MIM (arXiv 2205.13943,
78.8) fine-tunes pretrained ResNet-50 with it. mmpretrain trains at 224 px, the paper's A3 at 160.
"""

_base_ = [
    "../_base_/models/finetune_resnet50.py",
    "../_base_/datasets/in1k_basic.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="finetune",
    family="finetune",
    display="Fine-tuning",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=3,
)
model = dict(
    backbone=dict(norm_cfg=dict(type="SyncBN", requires_grad=True)),
    head=dict(loss=dict(use_sigmoid=True)),
    train_cfg=dict(augments=[dict(type="Mixup", alpha=0.1), dict(type="CutMix", alpha=1.0)]),
)
train_dataloader = dict(
    batch_size=256,
    dataset=dict(
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="RandomResizedCrop", scale=224, backend="pillow", interpolation="bicubic"),
            dict(type="RandomFlip", prob=0.5, direction="horizontal"),
            dict(
                type="RandAugment",
                policies="timm_increasing",
                num_policies=2,
                total_level=10,
                magnitude_level=6,
                magnitude_std=0.5,
                hparams=dict(pad_val=[104, 116, 124], interpolation="bicubic"),
            ),
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
                scale=236,
                edge="short",
                backend="pillow",
                interpolation="bicubic",
            ),
            dict(type="CenterCrop", crop_size=224),
            dict(type="PackInputs"),
        ]
    )
)
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=100, val_interval=100)
val_cfg = dict(type="ValLoop")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="Lamb", lr=0.008, weight_decay=0.02),
    paramwise_cfg=dict(bias_decay_mult=0.0, norm_decay_mult=0.0),
)
param_scheduler = [
    dict(
        type="LinearLR",
        start_factor=1e-4,
        begin=0,
        end=5,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
    dict(type="CosineAnnealingLR", T_max=95, begin=5, end=100, eta_min=1e-6, by_epoch=True),
]
default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=1))
auto_scale_lr = dict(enable=False, base_batch_size=2048)
