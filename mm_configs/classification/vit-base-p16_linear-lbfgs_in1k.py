"""Linear probe on the mean patch token of ViT-B/16: logistic regression, ImageNet-1k.

The strength of the penalty is chosen on 2 % of train (some 25 pictures a class), which is not
fitted. One seed: another draw of so many pictures should change next to nothing. All 1.28 million
features are held in memory at once: by estimate that takes 20 GB and hours on 16 cores. Not the
SGD or LARS probe of the literature, whose right learning rate differs between methods a
hundredfold; do not set its numbers beside published ones.

What a method pooled while it was trained is what it does best with; the family `linear-cls` reads
the class token instead. Show both.
"""

_base_ = [
    "../_base_/models/frozen_vit-base-p16.py",
    "../_base_/datasets/in1k_frozen.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="linear",
    family="linear",
    display="Linear probe",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=1,
    batched=True,
    on_request=True,
)
probe = dict(
    solver="batched",
    held_out=0.02,
    inverse_l2=[1e-5, 1e-4, 1e-3, 1e-2, 1e-1],
    max_iter=500,
)
