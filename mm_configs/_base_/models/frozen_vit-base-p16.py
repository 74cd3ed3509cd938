"""ViT-B/16 as a frozen encoder: mean of the normalised patch tokens."""

model = dict(
    type="ImageClassifier",
    data_preprocessor=dict(
        type="ClsDataPreprocessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    backbone=dict(
        type="VisionTransformer", arch="base", img_size=224, patch_size=16, out_type="featmap"
    ),
    neck=dict(type="GlobalAveragePooling"),
)
