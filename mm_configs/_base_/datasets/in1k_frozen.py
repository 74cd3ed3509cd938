"""ImageNet-1k, the 224 px centre of a 256 px picture everywhere: for probes on frozen features.

Training pictures are not augmented, so their features are computed once and kept.
"""

_plain = [
    dict(type="LoadImageFromFile"),
    dict(type="ResizeEdge", scale=256, edge="short", backend="pillow", interpolation="bicubic"),
    dict(type="CenterCrop", crop_size=224),
    dict(type="PackInputs"),
]
_loader = dict(
    batch_size=256,
    num_workers=8,
    sampler=dict(type="DefaultSampler", shuffle=False),
    collate_fn=dict(type="default_collate"),
)

train_dataloader = dict(
    dataset=dict(type="CustomDataset", data_root="data/imagenet/train", pipeline=_plain),
    **_loader,
)
val_dataloader = dict(
    dataset=dict(type="CustomDataset", data_root="data/imagenet/val", pipeline=_plain),
    **_loader,
)
