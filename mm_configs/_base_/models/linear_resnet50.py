"""Linear heads on the averaged last map of a frozen ResNet-50; how many, the protocol says."""

_base_ = ["./frozen_resnet50.py"]

model = dict(
    type="FrozenClassifier",
    head=dict(type="ParallelLinearHeads", num_classes=1000, in_channels=2048),
)
