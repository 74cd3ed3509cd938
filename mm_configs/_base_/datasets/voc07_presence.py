"""PASCAL VOC 2007, which of the twenty classes a picture shows, the 224 px centre of 256 px.

train is `trainval` (5,011 pictures), val is `test` (4,952).
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
_root = "data/VOCdevkit/VOC2007"

train_dataloader = dict(
    dataset=dict(type="VOCPresence", data_root=_root, split="trainval", pipeline=_plain), **_loader
)
val_dataloader = dict(
    dataset=dict(type="VOCPresence", data_root=_root, split="test", pipeline=_plain), **_loader
)
