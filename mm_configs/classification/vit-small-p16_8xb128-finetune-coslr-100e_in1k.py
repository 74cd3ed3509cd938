"""Fine-tuning of ViT-S/16, as of ViT-B/16 by MAE's recipe.

MAE publishes nothing for ViT-S; learning rate, layer decay and drop path are what ViT-B takes.
"""

_base_ = ["./vit-base-p16_8xb128-finetune-coslr-100e_in1k.py"]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="finetune",
    family="finetune",
    display="Fine-tuning",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=3,
)
model = dict(backbone=dict(arch="deit-small"), head=dict(in_channels=384))
