"""Products with W and Wᵀ by Winograd's F(2×2, 3×3): the factors of `winograd_factors`, never written out.

A tile is two lines by two columns of outputs. Its entries at even and odd columns lie apart here, so that the
combinations along a line are sums of two shifted arrays. The sixteen products are made four at a time, for
one row ξ of Bᵀ after the other.
"""

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import Any

import numpy as np

from cnninv import patches
from cnninv.patches import Plane
from cnninv.threads import in_threads, slices
from cnninv.winograd import INPUT, OUTPUT

PAIRS = [(0, 2, -1), (1, 2, 1), (2, 1, -1), (1, 3, -1)]
"""Bᵀ row by row: an entry, and another one with its sign."""
assert all(row[a] == 1 and row[b] == sign for row, (a, b, sign) in zip(INPUT, PAIRS, strict=True))


class Tiles:
    """Products of U, shape (16, K, M), with the tiles of a plane."""

    def __init__(self, plane: Plane, xp: Any, threads: int) -> None:
        self.plane, self.xp, self.threads = plane, xp, threads
        self.T = tuple(-(-n // 2) for n in plane.n)
        self._columns = [self._places(0), self._places(1)]

    def forward(self, x: Any, U: Any, finish: Callable[[Any, slice], None]) -> Any:
        """W x, shape (K, n1, n2, batch), for x of shape (M, D1, D2, batch); `finish` ends each part of it."""
        p, xp, U = self.plane, self.xp, U.reshape(4, 4, *U.shape[1:])
        h = xp.empty((p.K, *p.n, x.shape[-1]), dtype=U.dtype)
        for tiles, (split, V, Y) in self._parts(x, U, (p.M, 2, 1), (p.M, 4, 0), (p.K, 4, 0)):
            for xi in range(4):
                # V_ξν = B_ξν x,  Y_ξν = U_ξν V_ξν,  h += A_ξν Y_ξν
                self._each(p.M, self._input, x, split, V, xi, tiles)
                xp.matmul(U[xi], V.reshape(4, p.M, -1), out=Y.reshape(4, p.K, -1))
                self._each(p.K, self._output, Y, h, xi, tiles)
            lines = slice(2 * tiles.start, 2 * tiles.stop)
            self._each(p.K, lambda part, i: finish(part[i], i), h[:, lines])
        return h

    def transposed(self, h: Any, U: Any) -> Any:
        """Wᵀ h, shape (M, D1, D2, batch), for h of shape (K, n1, n2, batch)."""
        p, xp, U = self.plane, self.xp, U.reshape(4, 4, *U.shape[1:])
        x = xp.zeros((p.M, *p.D, h.shape[-1]), dtype=U.dtype)
        for tiles, (Y, V, split) in self._parts(h, U, (p.K, 4, 0), (p.M, 4, 0), (p.M, 2, 1)):
            for xi in range(4):
                # Y_ξν = A_ξνᵀ h,  V_ξν = U_ξνᵀ Y_ξν,  x += B_ξνᵀ V_ξν
                self._each(p.K, self._output_transposed, h, Y, xi, tiles)
                xp.matmul(U[xi].swapaxes(1, 2), Y.reshape(4, p.K, -1), out=V.reshape(4, p.M, -1))
                self._each(p.M, self._input_transposed, V, split, x, xi, tiles)
        return x

    def _parts(
        self, like: Any, U: Any, *sizes: tuple[int, int, int]
    ) -> Iterator[tuple[slice, list[Any]]]:
        """Lines of tiles that fit into PATCH_BYTES, at least one at a time, and arrays for them.

        For each (channels, count, more) an array of shape (count, channels, lines, T2 + more, batch).
        """
        (T1, T2), batch = self.T, like.shape[-1]
        line = sum(channels * count * (T2 + more) * batch for channels, count, more in sizes)
        step = min(T1, max(1, patches.PATCH_BYTES // (line * U.dtype.itemsize)))
        memory = self.xp.empty(line * step, dtype=U.dtype)
        for start in range(0, T1, step):
            lines, begin, arrays = min(step, T1 - start), 0, []
            for channels, count, more in sizes:
                shape = (count, channels, lines, T2 + more, batch)
                arrays.append(memory[begin : begin + prod(shape)].reshape(shape))
                begin += prod(shape)
            yield slice(start, start + lines), arrays

    def _each(self, length: int, job: Callable[..., None], *arguments: Any) -> None:
        """job(*arguments, piece) for slices of 0 … length − 1."""
        in_threads(partial(job, *arguments), slices(length, self.threads), self.threads)

    def _input(self, x, split, V, xi, tiles, m) -> None:
        """V_ξν = B_ξν x for ν = 0 … 3 and the channels m."""
        a, b, sign = PAIRS[xi]
        for t in range(tiles.start, tiles.stop):
            first, second = self._line(x, 2 * t + a, m), self._line(x, 2 * t + b, m)
            for parity in (0, 1):
                part = split[parity, m, t - tiles.start]
                self._combine_lines(first, second, sign, part, self._columns[parity])
        even, odd = split[0, m], split[1, m]
        here, following = np.s_[:, :, :-1], np.s_[:, :, 1:]
        self.xp.subtract(even[here], even[following], out=V[0, m])
        self.xp.add(odd[here], even[following], out=V[1, m])
        self.xp.subtract(even[following], odd[here], out=V[2, m])
        self.xp.subtract(odd[here], odd[following], out=V[3, m])

    def _combine_lines(self, first, second, sign, out, places) -> None:
        """first ± second at the given places; a line that is all padding is None, the rest of `out` zero."""
        covered = 0
        for target, source in places:
            out[:, covered : target.start] = 0
            covered = target.stop
            if first is None and second is None:
                out[:, target] = 0
            elif second is None:
                out[:, target] = first[:, source]
            elif first is None:
                (self.xp.positive if sign > 0 else self.xp.negative)(
                    second[:, source], out=out[:, target]
                )
            else:
                combine = self.xp.add if sign > 0 else self.xp.subtract
                combine(first[:, source], second[:, source], out=out[:, target])
        out[:, covered:] = 0

    def _input_transposed(self, V, split, x, xi, tiles, m) -> None:
        """x += B_ξνᵀ V_ξν, summed over ν; the sign of V_ξ3 is that of `_output_transposed`."""
        V0, V1, V2, V3 = V[:, m]
        even, odd = split[0, m], split[1, m]
        here, following, inner = np.s_[:, :, :-1], np.s_[:, :, 1:], np.s_[:, :, 1:-1]
        # even: V0 of this tile; V1 + V2 − V0 of the tile before
        even[:, :, 0] = V0[:, :, 0]
        self.xp.add(V1, V2, out=even[following])
        even[following] -= V0
        even[inner] += V0[following]
        # odd: V1 − V2 − V3 of this tile; V3 of the tile before
        odd[:, :, -1] = V3[:, :, -1]
        self.xp.subtract(V1, V2, out=odd[here])
        odd[here] -= V3
        odd[inner] += V3[here]
        a, b, sign = PAIRS[xi]
        for t in range(tiles.start, tiles.stop):
            for entry, factor in ((a, 1), (b, sign)):
                line = self._line(x, 2 * t + entry, m)
                if line is None:
                    continue
                for parity in (0, 1):
                    for target, source in self._columns[parity]:
                        if factor > 0:
                            line[:, source] += split[parity, m, t - tiles.start, target]
                        else:
                            line[:, source] -= split[parity, m, t - tiles.start, target]

    def _output(self, Y, h, xi, tiles, i) -> None:
        """h += A_ξν Y_ξν, summed over ν, for the filters i; overwrites Y."""
        Y0, Y1, Y2, Y3 = Y[:, i]
        Y0 += Y1
        Y0 += Y2
        Y1 -= Y2
        Y1 -= Y3
        lines = h[i, 2 * tiles.start : 2 * tiles.stop]
        for parity, values in ((0, Y0), (1, Y1)):
            for line in (0, 1):
                target = lines[:, line::2, parity::2]
                part = values[:, : target.shape[1], : target.shape[2]]
                if xi == line:  # the first of its terms
                    target[...] = part
                elif OUTPUT[line, xi] > 0:
                    target += part
                elif OUTPUT[line, xi] < 0:
                    target -= part

    def _output_transposed(self, h, Y, xi, tiles, i) -> None:
        """Y_ξν = A_ξνᵀ h for ν = 0 … 3 and the filters i, but with Y_ξ3 negative."""
        for t in range(tiles.start, tiles.stop):
            first = h[i, 2 * t] if OUTPUT[0, xi] else None
            second = h[i, 2 * t + 1] if OUTPUT[1, xi] and 2 * t + 1 < self.plane.n[0] else None
            for parity, nu in ((0, 0), (1, 3)):
                places = [(slice(0, (self.plane.n[1] - parity + 1) // 2), slice(parity, None, 2))]
                part = Y[nu, i, t - tiles.start]
                self._combine_lines(first, second, OUTPUT[1, xi], part, places)
        self.xp.add(Y[0, i], Y[3, i], out=Y[1, i])
        self.xp.subtract(Y[0, i], Y[3, i], out=Y[2, i])

    def _line(self, x: Any, line: int, channels: slice) -> Any:
        """The given line of the padded x; None if it is all padding."""
        (D1, _), line = self.plane.D, line - self.plane.before[0]
        line = line % D1 if self.plane.circular else line
        return x[channels, line] if 0 <= line < D1 else None

    def _places(self, parity: int) -> list[tuple[slice, slice]]:
        """Runs of the even, or odd, columns of the padded x: among themselves, and where they are in x."""
        D2, place = self.plane.D[1], np.arange(self.T[1] + 1)
        column = 2 * place + parity - self.plane.before[1]
        column = column % D2 if self.plane.circular else column
        place = place[(column >= 0) & (column < D2)]
        runs = np.split(place, np.flatnonzero(np.diff(column[place]) != 2) + 1)
        ends = [(int(run[0]), int(run[-1])) for run in runs if len(run)]
        return [
            (slice(first, last + 1), slice(int(column[first]), int(column[last]) + 1, 2))
            for first, last in ends
        ]
