"""What an encoder knows, whatever its head makes of it: a linear classifier on frozen features."""

from __future__ import annotations

import torch
from torch import Tensor

from mla_core.seeding import generator

MOST = 1500  # training samples: more change the accuracy by less than a point and cost seconds


def probe_accuracy(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor) -> float:
    """Return the held-out accuracy of a logistic regression on one modality's features.

    Parameters
    ----------
    train, test : Tensor
        (N, s) and (K, s) features, standardised here by `train`'s mean and deviation.
    train_labels, test_labels : Tensor
        (N,) and (K,).

    Returns
    -------
    float
        NaN where a side is empty or `train` knows one class alone.

    Examples
    --------
    >>> x, y = torch.eye(4).repeat(5, 1), torch.arange(4).repeat(5)
    >>> probe_accuracy(x, y, x, y)
    1.0
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    # Every k-th sample would leave classes out wherever labels come in turns.
    drawn = torch.randperm(len(train_labels), generator=generator(0, "linear probe"))[:MOST]
    if len(test_labels) == 0 or len(train_labels[drawn].unique()) < 2:
        return float("nan")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000, tol=1e-3))
    with threadpool_limits(1):  # matrices this small make threads wait for each other
        model.fit(train[drawn].numpy(), train_labels[drawn].numpy())
    return float(model.score(test.numpy(), test_labels.numpy()))
