"""The labelled train part of Stamps alone: what the supervised recipe is pretrained on."""

_base_ = ["./stamps48_labelled.py"]

val_dataloader = None
test_dataloader = None
val_evaluator = None
test_evaluator = None
train_dataloader = dict(sampler=dict(type="InfiniteSampler", shuffle=True))
