"""Weighted k-NN on the L2-normalised averaged last map of ResNet-50, ImageNet-1k.

Temperature and the choice of k are DINO's; k is chosen on 2 % of train, the other 98 % are the
bank. One seed: another draw of so many pictures should change next to nothing. By estimate it
takes 60 GB of memory.
"""

_base_ = [
    "../_base_/models/frozen_resnet50.py",
    "../_base_/datasets/in1k_frozen.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="knn",
    family="knn",
    display="k-NN",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=1,
    batched=True,
)
knn = dict(held_out=0.02, k=[10, 20, 100, 200], temperature=0.07)
