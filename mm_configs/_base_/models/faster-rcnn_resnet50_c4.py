"""Faster R-CNN R50-C4 as MoCo measures representations with it.

Structure: mmdet `_base_/models/faster-rcnn_r50-caffe-c4.py`. Where facebookresearch/moco
(`detection/configs/Base-RCNN-C4-BN.yaml` and what it inherits from detectron2's defaults) says
otherwise, its numbers stand: nothing frozen, batch norms trained and synchronised everywhere in
backbone and res5, one more norm behind res5 (`Res5WithNorm`), the stride in the 3x3 convolution
(`style="pytorch"`), RGB with ImageNet's statistics, anchors that cross the border are used
(`allowed_border=-1`), pictures padded to the largest of the batch only.

res5 (`layer4`) is the RoI head's `shared_head`; `loading` sends the pretrained stage there.

Departures: torch's SyncBN instead of detectron2's `naiveSyncBN` (which does not weigh processes by
their number of elements; here all have the same); an anchor becomes a box's best match from IoU
0.3 (mmdet), not from any IoU.
"""

_base_ = ["./rcnn_boxes.py"]

loading = dict(
    beside=["roi_head.shared_head"],
    new=["norm[.](weight|bias|running_mean|running_var)"],
)
model = dict(
    type="FasterRCNN",
    data_preprocessor=dict(pad_size_divisor=1),
    backbone=dict(
        type="ResNet",
        depth=50,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(2,),
        frozen_stages=-1,
        norm_cfg=dict(type="SyncBN", requires_grad=True),
        norm_eval=False,
        style="pytorch",
    ),
    rpn_head=dict(
        in_channels=1024,
        feat_channels=1024,
        anchor_generator=dict(scales=[2, 4, 8, 16, 32], strides=[16]),
    ),
    roi_head=dict(
        shared_head=dict(
            type="Res5WithNorm",
            depth=50,
            stride=2,
            style="pytorch",
            norm_cfg=dict(type="SyncBN", requires_grad=True),
            norm_eval=False,
        ),
        bbox_roi_extractor=dict(
            roi_layer=dict(output_size=14),
            out_channels=1024,
            featmap_strides=[16],
        ),
        bbox_head=dict(type="BBoxHead", with_avg_pool=True, in_channels=2048),
    ),
    train_cfg=dict(rpn_proposal=dict(nms_pre=12000, max_per_img=2000)),
    test_cfg=dict(rpn=dict(nms_pre=6000)),
)
