"""ImageNet-1k, 224 px, for trained linear probes: crop and flip, the centre for the rest.

Source: mmpretrain `_base_/datasets/imagenet_bs32_pil_resize.py`, which the linear benchmarks of
mocov2, mocov3, simsiam and mae share (bilinear, by Pillow). The part of train that learning rates
are chosen on is seen as `val_dataloader` says. Accuracies are counted head by head.
"""

train_dataloader = dict(
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=False,
    sampler=dict(type="DefaultSampler", shuffle=True),
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type="CustomDataset",
        data_root="data/imagenet/train",
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="RandomResizedCrop", scale=224, backend="pillow"),
            dict(type="RandomFlip", prob=0.5, direction="horizontal"),
            dict(type="PackInputs"),
        ],
    ),
)
val_dataloader = dict(
    batch_size=128,
    num_workers=8,
    pin_memory=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type="CustomDataset",
        data_root="data/imagenet/val",
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="ResizeEdge", scale=256, edge="short", backend="pillow"),
            dict(type="CenterCrop", crop_size=224),
            dict(type="PackInputs"),
        ],
    ),
)
val_evaluator = dict(type="HeadAccuracy")
