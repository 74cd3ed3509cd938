"""Semi-supervised: ViT-B/16 fine-tuned on 10 % of ImageNet-1k's labels by Semi-ViT's recipe.

Source: Semi-ViT (arXiv 2208.05688), supervised fine-tuning of MAE's ViT-B in
amazon-science/semi-vit: base rate 2.5e-4 at 256, batch 512, 100 epochs, layer decay 0.65, decay
0.05, RandAugment, label smoothing 0.1, drop path 0.1, mixup 0.8, CutMix 1.0, erasing 0.25; the
rest as MAE. The backbone pools after the final norm as in
`vit-base-p16_8xb128-finetune-coslr-100e_in1k`. No published protocol is known for ViT-S that does
without the projector of the pretraining.

The subset is the list `data/imagenet/subsets/10percent.txt` of google-research/simclr
(`imagenet_subsets/`), which is not shipped. Without it 10 % of every class are drawn with a fixed
seed; the record says which it was.
"""

_base_ = ["./vit-base-p16_8xb128-finetune-coslr-100e_in1k.py"]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="semi_supervised",
    family="finetune-10pct",
    display="Fine-tuning, 10 % of labels",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=3,
    on_request=True,
)
train_dataloader = dict(
    batch_size=64,
    dataset=dict(
        type="ListedFolder",
        names="data/imagenet/subsets/10percent.txt",
        share=0.1,
        seed=0,
    ),
)
optim_wrapper = dict(optimizer=dict(lr=2.5e-4 * 512 / 256))
auto_scale_lr = dict(base_batch_size=512)
