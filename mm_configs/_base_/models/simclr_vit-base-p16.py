"""SimCLR on ViT-B/16, all classes mmpretrain's.

Nobody published this recipe as a config: mmpretrain has SimCLR on ResNet only. Backbone, class
token, frozen sin-cos positions, frozen patch projection and projector are MoCo v3's
(`mocov3_vit-base-p16.py` here), so that the two differ in the method alone; the loss and its
temperature of 0.1 are those of mmpretrain's `simclr_resnet50_16xb256-coslr-200e_in1k.py`.
"""

model = dict(
    type="SimCLR",
    data_preprocessor=dict(
        type="SelfSupDataPreprocessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    backbone=dict(
        type="MoCoV3ViT",
        arch="base",
        img_size=224,
        patch_size=16,
        out_type="cls_token",
        stop_grad_conv1=True,
    ),
    neck=dict(
        type="NonLinearNeck",
        in_channels=768,
        hid_channels=4096,
        out_channels=256,
        num_layers=3,
        with_bias=False,
        with_last_bn=True,
        with_last_bn_affine=False,
        with_last_bias=False,
        with_avg_pool=False,
    ),
    head=dict(type="ContrastiveHead", loss=dict(type="CrossEntropyLoss"), temperature=0.1),
)
