"""Linear probe on the mean patch token of ViT-S/16 by MAE's recipe, as for ViT-B/16.

MAE publishes nothing for ViT-S; all of it is what ViT-B takes.
"""

_base_ = ["./vit-base-p16_8xb2048-amp-linear-lars-mean-coslr-90e_in1k.py"]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="linear_trained",
    family="linear-lars-mean",
    display="Linear probe (LARS), mean token",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=1,
    on_request=True,
)
model = dict(backbone=dict(arch="deit-small"), head=dict(in_channels=384))
