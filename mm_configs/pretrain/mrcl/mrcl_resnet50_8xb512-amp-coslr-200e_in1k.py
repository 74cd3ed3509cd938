"""MRCL on ResNet-50, 200 epochs at batch 4096.

Epochs, batch and LARS schedule are SimCLR's (mmpretrain
`simclr/simclr_resnet50_16xb256-coslr-200e_in1k.py`), views MoCo v2's.
"""

_base_ = [
    "../../_base_/models/mrcl_resnet50.py",
    "../../_base_/datasets/in1k_two-views_mocov2.py",
    "../../_base_/schedules/in1k_lars_200e.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="mrcl",
    display="MRCL",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    role="method",
    source="mrcl",
)
train_dataloader = dict(batch_size=512)
optim_wrapper = dict(type="AmpOptimWrapper", loss_scale="dynamic")
