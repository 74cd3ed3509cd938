"""Stamps, 48 px, 12 classes, no augmentation anywhere: for probes on frozen features."""

_base_ = ["./stamps48_labelled.py"]

train_dataloader = dict(
    batch_size=250,
    drop_last=False,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(pipeline=[dict(type="LoadImageFromFile"), dict(type="PackInputs")]),
)
