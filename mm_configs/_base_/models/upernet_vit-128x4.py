"""UPerNet over vit-128x4 through SimpleFPN, 64 channels instead of 512 for 96 px scenes."""

_norm = dict(type="BN", requires_grad=True)
# A kind of thing fills a thirteenth of the pixels that a kind of stuff does; unweighted, all
# twelve are still given up for stuff after a few hundred steps.
_class_weight = [6.0] * 12 + [1.0] * 5

model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(
        type="SegDataPreProcessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=(96, 96),
    ),
    backbone=dict(
        type="mmpretrain.VisionTransformer",
        arch=dict(embed_dims=128, num_layers=4, num_heads=4, feedforward_channels=512),
        img_size=96,
        patch_size=8,
        out_type="featmap",
    ),
    neck=dict(type="SimpleFPN", in_channels=128, out_channels=64, scale_factors=(2, 1, 0.5, 0.25)),
    decode_head=dict(
        type="UPerHead",
        in_channels=[64, 64, 64, 64],
        in_index=[0, 1, 2, 3],
        pool_scales=(1, 2, 3, 6),
        channels=64,
        dropout_ratio=0.1,
        num_classes=17,
        norm_cfg=_norm,
        align_corners=False,
        loss_decode=dict(
            type="CrossEntropyLoss",
            use_sigmoid=False,
            loss_weight=1.0,
            class_weight=_class_weight,
        ),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)
