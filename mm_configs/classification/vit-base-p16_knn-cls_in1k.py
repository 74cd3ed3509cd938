"""Weighted k-NN on the L2-normalised class token of ViT-B/16, ImageNet-1k.

Temperature and the choice of k are DINO's; k is chosen on 2 % of train, the other 98 % are the
bank. One seed: another draw of so many pictures should change next to nothing. By estimate it
takes 40 GB of memory.

What a method pooled while it was trained is what it does best with; the family `knn` reads the
mean patch token instead. Show both.
"""

_base_ = [
    "../_base_/models/frozen-cls_vit-base-p16.py",
    "../_base_/datasets/in1k_frozen.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="knn",
    family="knn-cls",
    display="k-NN, class token",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=1,
    batched=True,
)
knn = dict(held_out=0.02, k=[10, 20, 100, 200], temperature=0.07)
