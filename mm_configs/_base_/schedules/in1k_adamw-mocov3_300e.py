"""AdamW for 300 epochs at batch 4096: what all contrastive ViT-B recipes share.

Source: mmpretrain `mocov3/mocov3_vit-base-p16_16xb256-amp-coslr-300e_in1k.py`.
"""

optim_wrapper = dict(
    type="AmpOptimWrapper",
    loss_scale="dynamic",
    optimizer=dict(type="AdamW", lr=2.4e-3, weight_decay=0.1),
)
param_scheduler = [
    dict(
        type="LinearLR",
        start_factor=1e-4,
        begin=0,
        end=40,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
    dict(
        type="CosineAnnealingLR",
        T_max=260,
        begin=40,
        end=300,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=300)
auto_scale_lr = dict(enable=False, base_batch_size=4096)
