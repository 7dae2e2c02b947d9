"""Keys turned into their own principal directions, so that most of what a query has nothing to do with is skipped."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

CHUNK_BYTES = 32 << 20  # of one chunk's similarities where nothing is skipped: enough rows for full speed
LIKE_ROWS = 256  # of a chunk where much is skipped: the fewer, the fewer columns they need; fewer yet slow products
CLUSTER_ROUNDS = 4  # of k-means for the order of the rows; it decides speed alone
LEADING_SHARE = 8  # the leading directions are at most one in this many: the bound costs that share of a product
MOST_TAIL = 0.2  # share of squared length outside the leading directions above which the bound decides too little
ROUNDING = 1e-5  # the bounds are sums of float32 too
MOST_COLUMNS = 0.75  # beyond this share of the keys, taking all of them is cheaper than picking

Columns = Tensor | slice


class KeySpace:
    """Unit keys with weights, and the products with them that GLA-CLIP takes.

    For rows p and keys k in the keys' principal directions, p . k is the product of their leading parts plus a rest of
    at most |p_rest| |k_rest|. The leading part alone tells for most columns on which side of a threshold they lie for
    all rows of a chunk; the products proper run over the other columns.

    Parameters
    ----------
    keys : Tensor, (M, G)
        Unit rows.
    weights : Tensor, (M,)
        All above 0.
    skip : bool
        Whether to look for what can be skipped; False takes all products whole. Where no few directions hold the keys
        there are no bounds, and only the sums over anchors, most of them few, leave columns out.

    Attributes
    ----------
    keys : Tensor, (M, G)
        Turned.
    mean : Tensor, (G,)
        Weighted mean key, turned.
    log_weights : Tensor or None, (M,)
        None where all weights are one.
    """

    def __init__(self, keys: Tensor, weights: Tensor, skip: bool) -> None:
        equal = bool((weights == 1).all())
        self.weights, self.log_weights = weights, None if equal else weights.log()
        self.leading, self.basis = _principal(keys) if skip else (0, None)
        self.skip, self.bounded = skip, self.basis is not None
        self.keys = self.turn(keys)
        self.weighted = self.keys if equal else self.keys * weights[:, None]
        self.mean = weights @ self.keys / weights.sum()
        rest = self.keys[:, self.leading:].norm(dim=-1, keepdim=True)
        self.bounding = torch.cat([self.keys[:, :self.leading], rest, torch.ones_like(rest)], dim=1)

    def turn(self, rows: Tensor) -> Tensor:
        """Rows (n, G) in the keys' directions."""
        return rows if self.basis is None else rows @ self.basis

    def chunks(self, rows: Tensor) -> Iterator[Tensor]:
        """Indices of turned rows (n, G), a chunk at a time; where much can be skipped, like rows together."""
        if self.bounded:
            order = order_by_likeness(rows[:, :self.leading], LIKE_ROWS)
        else:
            order = torch.arange(len(rows), device=rows.device)
        yield from order.split(LIKE_ROWS if self.skip else max(1, CHUNK_BYTES // (4 * len(self.keys))))

    def similarities(self, rows: Tensor, floor: Tensor) -> tuple[Columns, Tensor]:
        """The columns in which some row's similarity reaches its floor (n,), and the similarities there.

        Returns
        -------
        columns : Tensor (m,) int, or slice
        similarities : Tensor, (n, m)
        """
        if not self.bounded:
            return slice(None), rows @ self.keys.T
        columns = self._few(self._bound(rows, floor, 1).amax(0) >= -ROUNDING)
        return columns, rows @ self.keys[columns].T

    def sums_above(self, rows: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
        """Weighted sums (n, G) and weights (n,) of the keys whose similarity to a turned row exceeds a threshold."""
        columns, sure = self._open_columns(rows, threshold)
        above = rows @ self.keys[columns].T > threshold
        if self.skip and not self.bounded:
            columns = self._few(above.any(0))
            above = above[:, columns]
        shares = above.float()
        total, counts = shares @ self.weighted[columns], shares @ self.weights[columns]
        if len(sure):
            once = torch.zeros_like(self.weights).index_fill_(0, sure, 1.0)
            total, counts = total + once @ self.weighted, counts + once @ self.weights
        return total, counts

    def most_similar(self, rows: Tensor, values: Tensor) -> Tensor:
        """Values (n, V) of the key that is most similar to each turned row; equally similar ones share by weight."""
        similarities = rows @ self.keys.T
        best = (similarities >= similarities.amax(-1, keepdim=True)).float() * self.weights
        columns = best.any(0).nonzero()[:, 0]
        best = best[:, columns]
        return best @ values[columns] / best.sum(-1, keepdim=True)

    def _open_columns(self, rows: Tensor, threshold: float) -> tuple[Columns, Tensor]:
        """Columns (m,) that exceed a threshold for some rows perhaps, and those that surely do for all of them."""
        none = torch.empty(0, dtype=torch.int64, device=rows.device)
        if not self.bounded:
            return slice(None), none
        floor = rows.new_full((len(rows),), threshold)
        highest = self._bound(rows, floor, 1)
        wanted, sure = highest.amax(0) >= -ROUNDING, (highest.amin(0) > ROUNDING).nonzero()[:, 0]
        sure = sure[self._bound(rows, floor, -1, sure).amin(0) > ROUNDING] if len(sure) else sure
        wanted[sure] = False
        columns = self._few(wanted)
        return columns, none if isinstance(columns, slice) else sure

    def _bound(self, rows: Tensor, floor: Tensor, sign: int, columns: Columns = slice(None)) -> Tensor:
        """The most (sign 1) or the least (sign -1) by which similarities can exceed a row's floor (n,), (n, m)."""
        lead, rest = rows[:, :self.leading], rows[:, self.leading:].norm(dim=-1, keepdim=True)
        return torch.cat([lead, sign * rest, -floor[:, None]], dim=1) @ self.bounding[columns].T

    def _few(self, wanted: Tensor) -> Columns:
        """Columns by their mask (M,); all of them where picking would not pay."""
        columns = wanted.nonzero()[:, 0]
        return slice(None) if len(columns) > MOST_COLUMNS * len(wanted) else columns


def _principal(keys: Tensor) -> tuple[int, Tensor | None]:
    """Principal directions of keys (M, G) as columns, and how many of them lead; None where no few hold the keys."""
    energy, directions = torch.linalg.eigh(keys.T @ keys)  # ascending
    tail = 1 - energy.flip(0).clamp(min=0).cumsum(0) / energy.sum()
    most = max(keys.shape[1] // LEADING_SHARE, 1)
    if tail[most - 1] > MOST_TAIL:
        return 0, None
    # with a hundredth of that tail nearly all is decided; more directions only cost
    return min(int((tail > MOST_TAIL / 100).sum()) + 1, most), directions.flip(1).contiguous()


def order_by_likeness(rows: Tensor, size: int) -> Tensor:
    """An order of rows (n, d) in which like ones follow each other: clusters of about `size`, chained by nearness."""
    count = max(len(rows) // size, 1)
    centres = rows[torch.linspace(0, len(rows) - 1, count, device=rows.device).long()]
    for _ in range(CLUSTER_ROUNDS):
        nearest = (rows @ centres.T - centres.square().sum(1) / 2).argmax(1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, rows)
        members = torch.bincount(nearest, minlength=count)[:, None]
        centres = torch.where(members > 0, sums / members.clamp(min=1), centres)
    nearest = (rows @ centres.T - centres.square().sum(1) / 2).argmax(1)
    return _chain(centres)[nearest].argsort(stable=True)


def _chain(centres: Tensor) -> Tensor:
    """The place of each centre (k, d) in a walk from the first one always to the nearest not yet seen, (k,) int."""
    distances = torch.cdist(centres, centres)
    place, here = torch.zeros(len(centres), dtype=torch.int64, device=centres.device), 0
    for step in range(1, len(centres)):
        distances[:, here] = torch.inf
        here = int(distances[here].argmin())
        place[here] = step
    return place
