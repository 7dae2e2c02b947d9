"""What a national mosaic would need, from the geometry, the arithmetic and the rates given: an estimate, not a run.

    python benchmarks/mosaic.py [--area 350000] [--gsd 0.2] [--mini-rate 119646] [--accelerator 200]

Measured is the rate of `mini`, pixels a second on two cores for the whole of `segment` (`benchmarks/scene.py`). Assumed
is what an accelerator does in practice (`--accelerator`, TFLOP a second). All else follows from the geometry. Prints a
Markdown table.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from geo_ovss.presets import Preset, get_preset
from geo_ovss.quantize import stored_bytes

NETWORK_FLOP = {"mini": None, "base": (35.1 + 156.2) * 1e9}
"""Of one window: ViT-B/16 on 197 tokens and ViT-B/8 on 785; twice the multiplications. None: measured as a whole."""

SHAPES = {"mini": (16, 256), "base": (8, 512)}
"""Pixels a token side, and channels of the features."""

CHANNELS = {"mini": (256, 256), "base": (768, 768)}
"""Of the rows that similarities are taken of, and of the values."""

PRODUCTS = 2 * 2 + 1, 1
"""Products of queries with keys over the first channels (twice similarities and sums over anchors, the similarities of
the proxies), and over the second (the values)."""


@dataclass(frozen=True)
class Mosaic:
    """A country under a preset; all numbers of the whole."""

    preset: Preset
    pixels: float

    @property
    def windows(self) -> float:
        """Each is encoded once."""
        return self.pixels / self.preset.stride**2

    @property
    def blocks(self) -> float:
        """Two tasks and one file each."""
        return self.pixels / self.preset.block**2

    @property
    def pixels_read(self) -> float:
        """Blocks overlap by what their last windows reach beyond them."""
        preset = self.preset
        return self.pixels * ((preset.block + preset.window - preset.stride) / preset.block) ** 2

    def features_bytes(self, dtype: str) -> float:
        """Of the store, before compression."""
        token, dim = SHAPES[self.preset.name]
        return stored_bytes(round(self.pixels / token**2), dim, dtype)

    @property
    def token_file_bytes(self) -> float:
        """Of one block's tokens between encoding and mixing, float16."""
        preset, token = self.preset, SHAPES[self.preset.name][0]
        side = (preset.block + preset.window - preset.stride) / token
        return side**2 * sum(CHANNELS[preset.name]) * 2

    @property
    def network_flop(self) -> float | None:
        """Of the encoders."""
        each = NETWORK_FLOP[self.preset.name]
        return None if each is None else each * self.windows

    def attention_flop(self, published: bool = False) -> float:
        """Of GLA-CLIP's attention where nothing is skipped; published: every window's tokens, no bank."""
        preset, token = self.preset, SHAPES[self.preset.name][0]
        times = (preset.window / preset.stride) ** 2 if published else 1
        queries = (preset.block / token) ** 2 * times
        keys = ((preset.block + 2 * preset.halo) / token) ** 2 * times + (0 if published else preset.bank)
        first, second = CHANNELS[preset.name]
        return 2 * queries * keys * (PRODUCTS[0] * first + PRODUCTS[1] * second) * self.blocks


def rows(mini: Mosaic, base: Mosaic, options: argparse.Namespace) -> list[tuple[str, str, str]]:
    """Label, value for `mini`, value for `base`."""
    def both(label: str, text: str, *values: float) -> tuple[str, str, str]:
        return label, text.format(values[0]), text.format(values[1])

    two_cores = mini.pixels / options.mini_rate / 3600
    assert base.network_flop is not None
    work = base.network_flop + base.attention_flop()
    return [
        both("windows", "{:.2e}", mini.windows, base.windows),
        both("blocks", "{:.2e}", mini.blocks, base.blocks),
        ("networks (FLOP)", "-", f"{base.network_flop:.1e}"),
        both("attention, spliced, nothing skipped (FLOP)", "{:.1e}", mini.attention_flop(), base.attention_flop()),
        both("attention as published, same blocks (FLOP)", "{:.1e}", mini.attention_flop(True),
             base.attention_flop(True)),
        ("the whole: hours of two cores", f"{two_cores:,.0f}", "-"),
        ("networks and attention: hours of one accelerator", "-", f"{work / options.accelerator / 1e12 / 3600:,.0f}"),
        ("in one week: machines", f"{two_cores / 168:,.0f} of two cores",
         f"{work / options.accelerator / 1e12 / 3600 / 168:,.1f} accelerators"),
        *(both(f"features in {dtype} (TB)", "{:,.0f}", mini.features_bytes(dtype) / 1e12,
               base.features_bytes(dtype) / 1e12) for dtype in ("float16", "int8")),
        both("one block's tokens (MB)", "{:.0f}", mini.token_file_bytes / 1e6, base.token_file_bytes / 1e6),
        both("tokens written, and read nine times (TB)", "{:,.0f}", *(m.token_file_bytes * m.blocks * 10 / 1e12
                                                                   for m in (mini, base))),
        both("pixels read, uncompressed (TB)", "{:,.0f}", *(m.pixels_read * 3 / 1e12 for m in (mini, base))),
        both("labels, uncompressed (TB)", "{:,.1f}", mini.pixels / 1e12, base.pixels / 1e12),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--area", type=float, default=350_000, help="square kilometres")
    parser.add_argument("--gsd", type=float, default=0.2, help="metres a pixel")
    parser.add_argument("--mini-rate", type=float, default=119_646, help="pixels a second of mini on two cores")
    parser.add_argument("--accelerator", type=float, default=200, help="TFLOP a second in practice")
    options = parser.parse_args()
    pixels = options.area * 1e6 / options.gsd**2
    mini, base = (Mosaic(get_preset(name), pixels) for name in ("mini", "base"))
    print(f"{options.area:,.0f} square kilometres at {options.gsd:g} m: {pixels:.2e} pixels\n")
    print("| what | `mini` | `base` |\n|---|---|---|")
    for label, first, second in rows(mini, base, options):
        print(f"| {label} | {first} | {second} |")


if __name__ == "__main__":
    main()
