"""Who goes to train, val and test, where nobody has said so: the same on every machine."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence

from mla_core.errors import DataError

SHARES = {"test": 0.15, "val": 0.15}  # the rest is train


def deal(
    names: Sequence[str], labels: Sequence[str], shares: Mapping[str, float] = SHARES
) -> list[str]:
    """Give every sample to a split, each class in the same shares.

    A hash of the name decides, so that a sample stays where it is when others come or go by.

    Parameters
    ----------
    names : sequence of str
        N samples.
    labels : sequence of str
        (N,). A class of at least three has a sample in every split.
    shares : mapping of str to float
        Of the splits other than train.

    Examples
    --------
    >>> deal(["a", "b", "c", "d"], ["x"] * 4)
    ['train', 'train', 'val', 'test']
    """
    members = defaultdict(list)
    for i, label in enumerate(labels):
        members[label].append(i)
    sides = ["train"] * len(names)
    for of_class in members.values():
        order = sorted(of_class, key=lambda i: _rank(names[i]))
        start = 0
        for side, share in shares.items():
            least = int(len(order) > len(shares))
            count = max(least, round(share * len(order)))
            for i in order[start : start + count]:
                sides[i] = side
            start += count
    return sides


def deal_groups(groups: Sequence[str], shares: Mapping[str, float] = SHARES) -> list[str]:
    """Give every sample to a split so that no group, such as a person, is in two of them.

    Parameters
    ----------
    groups : sequence of str
        (N,) the group of each sample.
    shares : mapping of str to float
        Of the samples, for the splits other than train; met as closely as whole groups allow.

    Raises
    ------
    DataError
        When there are fewer groups than splits.

    Examples
    --------
    >>> deal_groups(["ann", "ben", "ann", "cy"])
    ['val', 'train', 'val', 'test']
    """
    sizes = Counter(groups)
    if len(sizes) <= len(shares):
        msg = (
            f"{len(sizes)} groups ({', '.join(sorted(sizes))}) cannot give {len(shares) + 1} splits "
            "that share none: name the splits yourself, or take groups out"
        )
        raise DataError(msg)
    order = deque(sorted(sizes, key=_rank))
    side_of = dict[str, str]()
    for left, (side, share) in zip(range(len(shares), 0, -1), shares.items(), strict=True):
        wanted, count = share * len(groups), 0
        # One more group as long as that brings the count closer, and while enough are left.
        while order and (not count or abs(count + sizes[order[0]] - wanted) < abs(count - wanted)):
            if count and len(order) <= left:
                break
            count += sizes[order[0]]
            side_of[order.popleft()] = side
    return [side_of.get(group, "train") for group in groups]


def _rank(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
