"""160,000 iterations of mmseg's SGD for ResNets at batch 16 (its `schedule_160k.py`)."""

_base_ = ["./ade20k_160k.py"]

optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.01, momentum=0.9, weight_decay=5e-4),
)
param_scheduler = [
    dict(type="PolyLR", eta_min=1e-4, power=0.9, begin=0, end=160000, by_epoch=False)
]
