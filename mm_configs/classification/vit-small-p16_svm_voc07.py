"""Linear SVMs on the mean patch token of ViT-S/16, PASCAL VOC 2007.

Source: facebookresearch/fair_self_supervision_benchmark `tools/svm` (Goyal et al. 2019): one
linear SVM per class on L2-normalised features, positives weighted twofold, squared hinge loss, at
most 2,000 iterations; the cost of each class by 3-fold cross-validation of the average precision
on trainval among 0.01, 0.1 and 2^-4 to 2^-19; mean AP on test. Pictures marked as difficult count
as negative in training and not at all in the test, as there. Features are pooled; the source
flattens a map of some 9,000 numbers.
"""

_base_ = [
    "../_base_/models/frozen_vit-small-p16.py",
    "../_base_/datasets/voc07_presence.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="svm",
    family="svm",
    display="SVM, VOC07",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="voc07",
    main_metric="val/mAP",
    seeds=1,
    batched=True,
    on_request=True,
)
svm = dict(
    folds=3,
    max_iter=2000,
    cost=[2.0**-power for power in range(19, 6, -1)] + [0.01, 2.0**-6, 2.0**-5, 2.0**-4, 0.1],
)
