"""Fashion-MNIST shown as 48 px RGB, no augmentation: an out-of-domain set for probes."""

_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=48),
    dict(type="PackInputs"),
]
_loader = dict(
    batch_size=250,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    collate_fn=dict(type="default_collate"),
)
train_dataloader = dict(
    dataset=dict(type="CustomDataset", data_root="data/fashion-mnist/train", pipeline=_pipeline),
    **_loader,
)
val_dataloader = dict(
    dataset=dict(type="CustomDataset", data_root="data/fashion-mnist/val", pipeline=_pipeline),
    **_loader,
)
