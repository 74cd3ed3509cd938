"""MoCo v3's linear probe: SGD without decay, cosine over 90 epochs, batch 1024.

Source: mmpretrain `mocov3/benchmarks/*_8xb128-linear-coslr-90e_in1k.py`; MoCo v3's
`main_lincls.py`. The learning rate that counts is each head's own.
"""

train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=90, val_interval=90)
val_cfg = dict(type="ValLoop")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.1 * 1024 / 256, momentum=0.9, weight_decay=0.0),
    constructor="OneRatePerHead",
)
param_scheduler = [dict(type="CosineAnnealingLR", T_max=90, begin=0, end=90, by_epoch=True)]
auto_scale_lr = dict(enable=False, base_batch_size=1024)
