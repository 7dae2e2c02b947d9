"""The materials of one scene: what season, climate and chance make of them."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from .canvas import Colour
from .materials import Material, jitter

SEASONS = ("spring", "summer", "dry", "autumn", "winter")

_ROOFS: dict[str, tuple[Colour, Colour]] = {
    "red tile": ((168, 92, 66), (138, 70, 54)),
    "orange tile": ((196, 128, 92), (172, 104, 72)),
    "brown tile": ((128, 96, 78), (104, 78, 64)),
    "tan tile": ((190, 160, 126), (170, 138, 108)),
    "slate": ((98, 100, 108), (76, 80, 88)),
    "grey shingle": ((138, 136, 136), (112, 112, 114)),
    "dark shingle": ((84, 82, 82), (66, 64, 66)),
    "white metal": ((236, 238, 240), (212, 216, 220)),
    "blue metal": ((84, 118, 176), (62, 96, 152)),
    "green metal": ((92, 128, 106), (72, 106, 88)),
    "red metal": ((158, 62, 58), (128, 52, 50)),
    "grey metal": ((168, 172, 176), (142, 146, 152)),
    "rusty metal": ((150, 112, 88), (122, 82, 62)),
    "gravel": ((172, 166, 156), (150, 144, 136)),
    "bitumen": ((84, 84, 86), (64, 64, 68)),
    "membrane": ((222, 220, 214), (200, 198, 194)),
    "cream": ((224, 212, 188), (202, 190, 166)),
    "concrete": ((178, 174, 166), (150, 147, 140)),
}
_PITCHED = (
    "red tile",
    "orange tile",
    "brown tile",
    "brown tile",
    "tan tile",
    "slate",
    "grey shingle",
    "grey shingle",
    "dark shingle",
    "dark shingle",
)
_FLAT = ("gravel", "bitumen", "membrane", "concrete", "white metal", "grey metal", "cream")
_SHEDS = (
    "white metal",
    "white metal",
    "grey metal",
    "grey metal",
    "blue metal",
    "green metal",
    "red metal",
    "rusty metal",
    "membrane",
    "gravel",
)
_ARID = ("cream", "membrane", "concrete", "cream", "tan tile", "gravel", "white metal")

# Relative brightness of uneven ground under the sun (:attr:`Material.relief`).
_RELIEF = {"sand": 0.12, "soil": 0.2, "plough": 0.15, "rock": 0.35, "dry grass": 0.15, "mud": 0.1, "grass": 0.12,
           "reed": 0.3, "gravel": 0.15, "ballast": 0.1, "crop": 0.06}  # fmt: skip

# Vegetation by season: (grass, grass second, crop, crop second, leaves, leaves second).
_GREENS: dict[str, tuple[Colour, Colour, Colour, Colour, Colour, Colour]] = {
    "spring": ((98, 124, 72), (120, 142, 86), (86, 118, 62), (112, 142, 78), (72, 102, 50), (102, 128, 68)),
    "summer": ((84, 114, 58), (108, 130, 74), (72, 108, 50), (98, 128, 62), (44, 70, 42), (68, 94, 56)),
    "dry": ((134, 128, 86), (156, 142, 100), (118, 122, 70), (148, 140, 88), (56, 74, 48), (80, 94, 64)),
    "autumn": ((104, 114, 66), (130, 126, 80), (110, 112, 66), (142, 130, 84), (88, 88, 48), (150, 110, 54)),
    "winter": ((110, 112, 82), (128, 124, 96), (104, 112, 70), (126, 122, 86), (112, 102, 92), (134, 122, 112)),
}


def _times(colour: Colour, factor: float) -> Colour:
    """The colour, lighter or darker."""
    red, green, blue = (min(255.0, c * factor) for c in colour)
    return red, green, blue


class Palette:
    """The materials of one scene: its season, its climate and its own random leaning.

    Parameters
    ----------
    rng : random.Random
        Drawn from.
    climate : {"temperate", "arid", "tropical"}
        Shifts soils, water and plants.
    season : str, optional
        One of :data:`SEASONS`; by default at random.
    """

    def __init__(self, rng: Random, climate: str, season: str | None = None) -> None:
        self.climate = climate
        self.season = season or (rng.choice(("summer", "dry")) if climate == "arid" else rng.choice(SEASONS))
        self.leafless = self.season == "winter" and climate == "temperate"
        self._rng = rng
        self._roof_bias = rng.sample(sorted(_ROOFS), 4)
        self.materials: dict[str, Material] = {}
        self._ground(rng)
        self._plants(rng)
        self._paving(rng)
        self._water(rng)

    def __getitem__(self, name: str) -> Material:
        return self.materials[name]

    def _add(self, name: str, first: Colour, second: Colour, spread: float = 0.1, **more: object) -> None:
        base = jitter(self._rng, first, spread)
        # The second colour moves with the first, so that a surface keeps one hue.
        moved: Colour = tuple(s * b / max(f, 1.0) for s, b, f in zip(second, base, first, strict=True))  # type: ignore[assignment]
        more.setdefault("relief", _RELIEF.get(name, 0.0) * self._rng.uniform(0.4, 1.3))
        self.materials[name] = replace(Material(base, jitter(self._rng, moved, 0.3 * spread)), **more)  # type: ignore[arg-type]

    def _ground(self, rng: Random) -> None:
        sands: dict[str, tuple[tuple[Colour, Colour], ...]] = {
            "arid": (((222, 222, 224), (196, 192, 190)), ((226, 214, 194), (198, 182, 160)),
                     ((214, 192, 164), (190, 166, 136)), ((232, 226, 220), (204, 196, 190))),
            "temperate": (((214, 200, 172), (190, 172, 142)), ((200, 186, 160), (176, 160, 134))),
            "tropical": (((232, 222, 200), (212, 196, 166)), ((206, 184, 150), (182, 158, 124))),
        }  # fmt: skip
        first, second = rng.choice(sands[self.climate])
        tracks = rng.choice((0.07, -0.07, -0.12))
        self._add("sand", first, second, 0.05, mix=0.35, patch=(3.2, 100.0), grain=0.035, veins=tracks,
                  spots=_times(second, rng.uniform(0.72, 0.92)), spot_share=0.12)  # fmt: skip
        self._add("beach", (218, 202, 174), (196, 178, 150), 0.07, mix=0.25, grain=0.03)
        soil = rng.choice((((142, 112, 86), (118, 92, 70)), ((158, 108, 78), (130, 86, 62)),
                           ((172, 152, 126), (148, 128, 104)), ((112, 96, 80), (92, 78, 66)),
                           ((176, 160, 146), (156, 138, 126))))  # fmt: skip
        self._add("soil", *soil, mix=0.4, patch=(1.6, 50.0), grain=0.07, spots=_times(soil[0], 1.2), spot_share=0.12,
                  veins=rng.choice((0.0, 0.1, -0.08)))  # fmt: skip
        self._add("plough", *soil, 0.12, mix=0.35, patch=(3.2, 100.0), grain=0.08)
        self._add("rock", (150, 142, 134), (112, 106, 100), mix=0.5, patch=(0.4, 12.0), grain=0.12)
        dry = rng.choice((((166, 150, 112), (138, 124, 92)), ((156, 146, 126), (130, 118, 102)),
                          ((184, 172, 126), (158, 144, 104)), ((150, 134, 116), (124, 108, 94))))  # fmt: skip
        self._add("dry grass", *dry, 0.08, mix=0.45, patch=(0.8, 50.0), grain=0.1, fine=3.2, spots=_times(dry[1], 0.82),
                  spot_share=0.15, veins=rng.choice((0.0, 0.14, 0.14)))  # fmt: skip
        mud = rng.choice(
            (((104, 108, 100), (78, 84, 78)), ((142, 134, 118), (112, 104, 92)), ((92, 98, 78), (70, 78, 62)))
        )
        self._add(
            "mud", *mud, 0.12, mix=0.4, patch=(1.6, 100.0), grain=0.05, spots=_times(mud[0], 1.25), spot_share=0.15
        )
        self._add("clay", (190, 124, 84), (170, 108, 74), 0.1, mix=0.2, grain=0.03)
        self._add("bunker", (222, 210, 184), (206, 194, 168), 0.06, mix=0.2, grain=0.02)

    def _plants(self, rng: Random) -> None:
        season = "dry" if self.climate == "arid" and rng.random() < 0.5 else self.season
        grass, grass2, crop, crop2, leaf, leaf2 = _GREENS[season]
        soil = self["soil"].first
        bare: Colour = tuple(0.55 * a + 0.45 * b for a, b in zip(grass, soil, strict=True))  # type: ignore[assignment]
        self._add(
            "grass",
            grass,
            grass2,
            0.13,
            mix=0.4,
            patch=(1.6, 25.0),
            grain=0.1,
            fine=3.2,
            spots=bare,
            spot_share=0.14,
            veins=rng.choice((0.0, 0.05)),
        )
        self._add("lawn", grass, grass2, 0.12, mix=0.25, patch=(1.6, 12.0), grain=0.05)
        watered: Colour = (78, 116, 56) if season in ("dry", "winter", "autumn") and rng.random() < 0.6 else grass
        self._add("turf", watered, grass2 if watered is grass else (98, 134, 70), 0.08, mix=0.25, grain=0.03)
        self._add("crop", crop, crop2, 0.15, mix=0.3, patch=(3.2, 100.0), grain=0.05)
        self._add("ripe crop", (182, 168, 126), (160, 146, 110), 0.08, mix=0.3, patch=(3.2, 100.0), grain=0.05)
        self._add("shrub", (86, 88, 58), (64, 68, 44), 0.2, mix=0.5, patch=(0.4, 6.4), grain=0.15)
        self._add("reed", (84, 92, 62), (60, 70, 50), 0.2, mix=0.5, patch=(0.8, 25.0), grain=0.12)
        if self.climate == "arid":
            leaf, leaf2 = (58, 72, 46), (84, 96, 64)
        self._add("leaves", leaf, leaf2, 0.15, mix=0.4, patch=(0.8, 12.0), grain=0.12)
        self._add("needles", (34, 56, 38), (50, 72, 50), 0.15, mix=0.4, patch=(0.8, 6.4), grain=0.12)
        self._add("palm", (62, 82, 46), (92, 106, 66), 0.12, mix=0.4, patch=(0.4, 3.2), grain=0.12)
        self._add("hedge", (48, 74, 40), (66, 92, 52), 0.12, mix=0.4, patch=(0.4, 6.4), grain=0.12)

    def _paving(self, rng: Random) -> None:
        asphalt = rng.choice((((74, 74, 78), (92, 92, 95)), ((112, 111, 110), (130, 128, 126)),
                              ((150, 147, 142), (166, 163, 157)), ((104, 94, 88), (124, 114, 106)),
                              ((90, 86, 92), (108, 104, 108))))  # fmt: skip
        self._add("asphalt", *asphalt, mix=0.3, patch=(0.8, 25.0), grain=0.05, spots=_times(asphalt[0], 0.85))
        lot = rng.choice((asphalt, ((96, 96, 100), (118, 117, 117)), ((150, 146, 138), (130, 124, 116))))
        self._add("lot", *lot, mix=0.35, patch=(0.8, 25.0), grain=0.05, spots=_times(lot[0], 0.85))
        self._add("concrete", (184, 180, 170), (162, 158, 150), 0.07, mix=0.35, patch=(0.8, 12.0), grain=0.04)
        self._add("paving", (176, 164, 150), (156, 142, 128), 0.1, mix=0.3, patch=(0.4, 6.4), grain=0.05)
        self._add("runway", (112, 110, 106), (136, 132, 126), 0.15, mix=0.4, patch=(3.2, 50.0), grain=0.05)
        self._add("apron", (188, 182, 170), (164, 158, 148), 0.1, mix=0.35, patch=(1.6, 25.0), grain=0.04)
        self._add("ballast", (138, 128, 120), (112, 104, 98), 0.1, mix=0.4, patch=(0.4, 6.4), grain=0.12)
        self._add("gravel", (176, 168, 154), (150, 142, 128), 0.1, mix=0.4, patch=(0.4, 12.0), grain=0.09)
        self._add("wood", (172, 156, 132), (140, 124, 104), 0.12, mix=0.4, patch=(0.4, 6.4), grain=0.08)

    def _water(self, rng: Random) -> None:
        rivers = (((118, 108, 76), (98, 96, 66)), ((66, 82, 62), (48, 64, 50)), ((32, 40, 42), (22, 30, 32)),
                  ((96, 104, 84), (80, 92, 76)), ((44, 66, 74), (32, 52, 62)))  # fmt: skip
        lakes = (((30, 52, 58), (20, 38, 46)), ((38, 54, 40), (26, 42, 32)), ((18, 24, 26), (12, 16, 20)),
                 ((74, 92, 70), (56, 76, 60)))  # fmt: skip
        seas = (
            ((22, 52, 74), (14, 40, 62)),
            ((28, 92, 96), (18, 74, 84)),
            ((14, 16, 20), (8, 10, 14)),
            ((110, 124, 126), (94, 110, 116)),
            ((48, 78, 84), (36, 62, 72)),
            ((16, 62, 60), (10, 46, 50)),
        )
        lagoons = (((42, 132, 136), (26, 104, 116)), ((16, 40, 28), (10, 28, 22)), ((14, 16, 16), (8, 10, 12)),
                   ((86, 104, 64), (60, 84, 54)), ((52, 96, 92), (36, 76, 78)))  # fmt: skip
        for name, choices in (("river", rivers), ("lake", lakes), ("sea", seas), ("lagoon", lagoons)):
            self._add(name, *rng.choice(choices), 0.12, mix=0.3, patch=(6.4, 200.0), grain=0.02)
        self._add("pool", (88, 186, 208), (66, 168, 198), 0.08, mix=0.3, patch=(0.8, 6.4), grain=0.02)

    def roof(self, rng: Random, kind: str) -> tuple[str, Material]:
        """A roof material for a building of `kind` ("pitched", "flat", "shed", "arid"); gives its name too."""
        names = {"pitched": _PITCHED, "flat": _FLAT, "shed": _SHEDS, "arid": _ARID}[kind]
        preferred = [n for n in names if n in self._roof_bias]
        name = rng.choice(preferred if preferred and rng.random() < 0.5 else names)
        first, second = (jitter(rng, c, 0.08) for c in _ROOFS[name])
        return name, Material(first, second, mix=rng.uniform(0.2, 0.5), patch=(0.8, rng.choice((6.4, 12.0))),
                              grain=rng.uniform(0.03, 0.08), fine=0.8)  # fmt: skip
