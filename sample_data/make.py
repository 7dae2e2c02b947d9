"""Make the generated files of this folder again: ``python sample_data/make.py``.

The pictures come from the project's own generator; the same version of it and of NumPy gives the same files. The
real orthophoto, ``OSBS_029.tif``, is not made here: README.md says where it comes from.
"""

from __future__ import annotations

from pathlib import Path

from geo_ovss.synthetic import write_scene

FOLDER = Path(__file__).parent

#: Class of the label raster -> (the generator's classes it stands for, words for the class file, colour).
CLASSES: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "building": (("building",), ("building", "house", "roof"), "#d73027"),
    "road": (("road",), ("road", "street", "asphalt"), "#7f7f7f"),
    "tree": (("tree", "palm tree", "forest", "hedge", "orchard", "vineyard"), ("tree", "trees", "bush"), "#1a7837"),
    "grass": (("grass", "dry grass", "marsh"), ("grass", "lawn", "meadow"), "#a6d96a"),
    "field": (("green field", "ploughed field"), ("field", "farmland", "crops"), "#fee08b"),
    "water": (("water",), ("water", "river", "lake"), "#2b83ba"),
    "car": (("car", "truck"), ("car", "vehicle"), "#762a83"),
}


def write_class_file(path: Path) -> None:
    """The class list that goes with the label rasters."""
    lines = ["# The classes of town_labels.tif: its value i is the i-th class; 0 is none of them."]
    lines += [f"{name} = {' | '.join(words)}  {colour}" for name, (_, words, colour) in CLASSES.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Write every generated file of the folder."""
    classes = {name: fine for name, (fine, _, _) in CLASSES.items()}
    town = {"seed": 28, "gsd": 0.3, "style": "town", "season": "summer", "classes": classes, "overwrite": True}
    coarser = town | {"size": 512, "gsd": 0.6}  # the same extent in metres is the same world
    write_scene(FOLDER / "town.tif", size=1024, labels_path=FOLDER / "town_labels.tif", **town)  # type: ignore[arg-type]
    write_scene(FOLDER / "town_uint16.tif", dtype="uint16", **coarser)  # type: ignore[arg-type]
    write_scene(FOLDER / "town_nodata.tif", nodata_wedge=True, **coarser)  # type: ignore[arg-type]
    write_scene(FOLDER / "town_collar.tif", nodata_wedge=True, declare_nodata=False, **coarser)  # type: ignore[arg-type]
    write_scene(
        FOLDER / "town_rotated.tif", rotation_deg=20.0, labels_path=FOLDER / "town_rotated_labels.tif", **coarser
    )  # type: ignore[arg-type]
    write_class_file(FOLDER / "town_classes.txt")


if __name__ == "__main__":
    main()
