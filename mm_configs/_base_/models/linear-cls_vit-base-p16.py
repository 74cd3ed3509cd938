"""Linear heads on the class token of a frozen ViT-B/16; how many, the protocol says."""

_base_ = ["./frozen-cls_vit-base-p16.py"]

model = dict(
    type="FrozenClassifier",
    head=dict(type="ParallelLinearHeads", num_classes=1000, in_channels=768),
)
