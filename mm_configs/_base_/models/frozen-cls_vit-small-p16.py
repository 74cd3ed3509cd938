"""ViT-S/16 as a frozen encoder: the normalised class token."""

_base_ = ["./frozen_vit-small-p16.py"]

model = dict(backbone=dict(out_type="cls_token"), neck=None)
