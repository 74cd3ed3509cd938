"""LARS for 100 epochs at batch 1024: what all matched ResNet-50 recipes share.

SimCLR and MoCo v3 on ResNet were published with LARS at this decay, and with 0.3 for each 256
pictures (MoCo v3's own 100 epochs take twice that). MoCo v2 was published with SGD and takes LARS
here. Norms and biases have no decay and no layer-wise rate; a tenth of the epochs is warm-up.
"""

_base_ = ["./in1k_lars-mocov3_300e.py"]

optim_wrapper = dict(optimizer=dict(lr=0.3 * 1024 / 256))
param_scheduler = [
    dict(
        type="LinearLR",
        start_factor=1e-4,
        begin=0,
        end=10,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
    dict(
        type="CosineAnnealingLR",
        T_max=90,
        begin=10,
        end=100,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=100)
auto_scale_lr = dict(base_batch_size=1024)
