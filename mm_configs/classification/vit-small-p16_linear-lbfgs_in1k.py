"""`vit-base-p16_linear-lbfgs_in1k` for ViT-S/16, whose features take half the memory."""

_base_ = ["./vit-base-p16_linear-lbfgs_in1k.py"]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="linear",
    family="linear",
    display="Linear probe",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=1,
    batched=True,
    on_request=True,
)
model = dict(backbone=dict(arch="deit-small"))
