"""`vit-base-p16_knn_in1k` for ViT-S/16, whose features take half the memory."""

_base_ = ["./vit-base-p16_knn_in1k.py"]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="knn",
    family="knn",
    display="k-NN",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=1,
    batched=True,
)
model = dict(backbone=dict(arch="deit-small"))
