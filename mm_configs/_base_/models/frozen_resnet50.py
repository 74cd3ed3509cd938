"""ResNet-50 as a frozen encoder: global average of the last map."""

model = dict(
    type="ImageClassifier",
    data_preprocessor=dict(
        type="ClsDataPreprocessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    backbone=dict(type="ResNet", depth=50, out_indices=(3,), style="pytorch"),
    neck=dict(type="GlobalAveragePooling"),
)
