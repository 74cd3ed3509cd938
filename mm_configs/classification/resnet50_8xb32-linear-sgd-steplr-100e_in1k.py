"""Linear probe of ResNet-50 by MoCo's recipe with a sweep of learning rates, ImageNet-1k.

Source: MoCo's `main_lincls.py` and mmpretrain
`mocov2/benchmarks/resnet50_8xb32-linear-steplr-100e_in1k.py`: SGD at 30, batch 256, 100 epochs, a
tenth at 60 and 80, no decay, crop and flip, weights drawn with deviation 0.01. The published 30 is
one of the sweep; it spans the hundredfold between what MoCo and SwAV need (swav#38: 0.3).

One head per learning rate is trained on the same batches of one frozen forward pass. The rate is
chosen on 2 % of train (some 25 pictures a class), which no head is fitted on; val is looked at
once, by the chosen head. Departures: 98 % of train are fitted, and the rate is chosen, not fixed.
"""

_base_ = [
    "../_base_/models/linear_resnet50.py",
    "../_base_/datasets/in1k_linear.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="linear_trained",
    family="linear-sgd",
    display="Linear probe (SGD)",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=3,
)
probe = dict(held_out=0.02)
model = dict(head=dict(lr=[0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0]))
train_dataloader = dict(batch_size=32)
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=100, val_interval=100)
val_cfg = dict(type="ValLoop")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=30.0, momentum=0.9, weight_decay=0.0),
    constructor="OneRatePerHead",
)
param_scheduler = [dict(type="MultiStepLR", milestones=[60, 80], gamma=0.1, by_epoch=True)]
default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=1))
auto_scale_lr = dict(enable=False, base_batch_size=256)
