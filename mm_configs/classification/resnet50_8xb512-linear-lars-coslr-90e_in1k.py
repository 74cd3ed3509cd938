"""Linear probe of ResNet-50 by SimSiam's recipe with a sweep of learning rates, ImageNet-1k.

Source: SimSiam's `main_lincls.py` (`--lars`) and mmpretrain
`simsiam/benchmarks/resnet50_8xb512-linear-coslr-90e_in1k.py`: LARS at 0.1 x 4096 / 256 = 1.6,
batch 4096, 90 epochs, cosine, no decay. The published 1.6 stands in the middle of the sweep.
mmpretrain's LARS scales by the rate before the momentum, SimSiam's after it.

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
    family="linear-simsiam",
    display="Linear probe (SimSiam)",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=1,
    on_request=True,
)
probe = dict(held_out=0.02)
model = dict(head=dict(lr=[0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8]))
train_dataloader = dict(batch_size=512)
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=90, val_interval=90)
val_cfg = dict(type="ValLoop")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="LARS", lr=0.1 * 4096 / 256, momentum=0.9, weight_decay=0.0),
    constructor="OneRatePerHead",
)
param_scheduler = [dict(type="CosineAnnealingLR", T_max=90, begin=0, end=90, by_epoch=True)]
default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=1))
auto_scale_lr = dict(enable=False, base_batch_size=4096)
