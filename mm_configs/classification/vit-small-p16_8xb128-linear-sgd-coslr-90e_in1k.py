"""Linear probe of ViT-S/16 by MoCo v3's recipe, as for ViT-B/16.

Source: mmpretrain `mocov3/benchmarks/vit-small-p16_8xb128-linear-coslr-90e_in1k.py` says the same
as ViT-B, learning rate included. Its ViT-S has 12 heads, ours DeiT's 6.
"""

_base_ = ["./vit-base-p16_8xb128-linear-sgd-coslr-90e_in1k.py"]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="linear_trained",
    family="linear-mocov3",
    display="Linear probe (MoCo v3)",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=1,
    on_request=True,
)
model = dict(backbone=dict(arch="deit-small"), head=dict(in_channels=384))
