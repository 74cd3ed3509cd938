"""Mask R-CNN R50-C4: the mask head is a deconvolution and a 1x1 convolution on what res5 gives.

Source: mmdet `_base_/models/mask-rcnn_r50-caffe-c4.py`, which has detectron2's numbers
(`ROI_MASK_HEAD`: no convolution, 256 channels, masks of 14 px).
"""

_base_ = ["./faster-rcnn_resnet50_c4.py"]

model = dict(
    type="MaskRCNN",
    data_preprocessor=dict(pad_mask=True),
    roi_head=dict(
        mask_roi_extractor=None,
        mask_head=dict(
            type="FCNMaskHead",
            num_convs=0,
            in_channels=2048,
            conv_out_channels=256,
            num_classes=80,
            loss_mask=dict(type="CrossEntropyLoss", use_mask=True, loss_weight=1.0),
        ),
    ),
    train_cfg=dict(rcnn=dict(mask_size=14)),
    test_cfg=dict(rcnn=dict(mask_thr_binary=0.5)),
)
