"""AdamW for 300 epochs at batch 4096: MAE's schedule.

Source: mmpretrain `mae/mae_vit-base-p16_8xb512-amp-coslr-300e_in1k.py`.
"""

optim_wrapper = dict(
    type="AmpOptimWrapper",
    loss_scale="dynamic",
    optimizer=dict(type="AdamW", lr=1.5e-4 * 4096 / 256, betas=(0.9, 0.95), weight_decay=0.05),
    paramwise_cfg=dict(
        custom_keys={
            "ln": dict(decay_mult=0.0),
            "bias": dict(decay_mult=0.0),
            "pos_embed": dict(decay_mult=0.0),
            "mask_token": dict(decay_mult=0.0),
            "cls_token": dict(decay_mult=0.0),
        }
    ),
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
