"""Linear probe on the class token of ViT-S/16 by MAE's recipe, as for ViT-B/16.

MAE publishes nothing for ViT-S; all of it is what ViT-B takes.
"""

_base_ = ["./vit-base-p16_8xb2048-amp-linear-lars-coslr-90e_in1k.py"]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="linear_trained",
    family="linear-lars",
    display="Linear probe (LARS)",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=3,
)
model = dict(backbone=dict(arch="deit-small"), head=dict(in_channels=384))
