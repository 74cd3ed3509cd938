"""Linear probe of ResNet-50 by MoCo v3's recipe with a sweep of learning rates, ImageNet-1k.

Source: MoCo v3's `main_lincls.py` and mmpretrain
`mocov3/benchmarks/resnet50_8xb128-linear-coslr-90e_in1k.py`: SGD, batch 1024, 90 epochs, cosine,
no decay, on the averaged last map. The published rate for this backbone is 0.1 x 1024 / 256 = 0.4;
the sweep holds it and that of the other kind of backbone.

One head per learning rate is trained on the same batches of one frozen forward pass. The rate is
chosen on 2 % of train (some 25 pictures a class), which no head is fitted on; val is looked at
once, by the chosen head. Departures: 98 % of train are fitted, and the rate is chosen, not fixed.
"""

_base_ = [
    "../_base_/models/linear_resnet50.py",
    "../_base_/datasets/in1k_linear.py",
    "../_base_/schedules/linear_sgd-mocov3_90e.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="linear_trained",
    family="linear-mocov3",
    display="Linear probe (MoCo v3)",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=1,
    on_request=True,
)
probe = dict(held_out=0.02)
model = dict(head=dict(lr=[0.04, 0.12, 0.4, 1.2, 4.0, 12.0, 40.0, 120.0]))
train_dataloader = dict(batch_size=128)
default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=1))
