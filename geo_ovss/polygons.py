"""Label raster to polygons that partition its labelled pixels: no seams, no gaps, no overlaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window

from geo_ovss.joints import join_pieces
from geo_ovss.measure import Ground
from geo_ovss.place import Placement
from geo_ovss.progress import Progress
from geo_ovss.regions import RegionCounter, RegionTable, iterate_strips, join_tables, tabulate
from geo_ovss.rings import Rings, RingTracer, build_polygons
from geo_ovss.shaping import shape_arcs
from geo_ovss.topology import Arcs, join_arcs, strip_arcs

BATCH_POINTS = 500_000
"""Points of the polygons that are handed out at a time."""


@dataclass(frozen=True)
class PolygonOptions:
    """How labels become polygons. The defaults give the borders of the pixels.

    Attributes
    ----------
    simplify : float
        Tolerance of the simplification of shared borders: no border moves further than this. Units of a projected CRS;
        metres for a geographic one; pixels without any. 0 is off; 1 pixel straightens the steps of the pixels.
    smooth : bool
        Round the shared borders.
    min_area : float
        Regions smaller than this (m2; pixels without a CRS) join the neighbour with the longest shared border.
    fill_holes : float or bool
        Unlabelled holes smaller than this (m2) take the class around them; True fills all.
    dissolve : bool
        One multipart polygon per class.
    instances : tuple of str
        Classes whose touching objects are split where the confidence shows a saddle.
    regularize : tuple of str
        Classes whose outlines are straightened toward their main direction.
    centerlines : tuple of str
        Classes that are written as a network of lines too.
    """

    simplify: float = 0.0
    smooth: bool = False
    min_area: float = 0.0
    fill_holes: float | bool = False
    dissolve: bool = False
    instances: tuple[str, ...] = ()
    regularize: tuple[str, ...] = ()
    centerlines: tuple[str, ...] = ()

    @property
    def cleans(self) -> bool:
        """Whether labels change before there are polygons."""
        return self.min_area > 0 or self.fill_holes is True or self.fill_holes > 0

    def chosen(self) -> dict[str, str]:
        """The options that change anything, as text for a layer's metadata; the class lists joined by commas."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: ", ".join(value) if isinstance(value, tuple) else "yes" if value is True else f"{value:g}"
                for name, value in values.items() if value}


@dataclass(frozen=True)
class PlanarMap:
    """The regions of a label raster and the arcs between them, in pixels.

    Attributes
    ----------
    arcs : Arcs
        As extracted: all corners of the pixels' borders.
    regions : RegionTable
        Row i - 1 is region i.
    """

    arcs: Arcs
    regions: RegionTable
    width: int
    height: int
    transform: Affine
    crs: Any


def read_map(labels_path: str | Path, confidence_path: str | Path | None = None, *,
             instances_path: str | Path | None = None, strip_rows: int | None = None,
             progress: Progress | None = None) -> PlanarMap:
    """Read a label raster strip by strip into regions and borders.

    Parameters
    ----------
    labels_path : path
        Band 1: 0 is no label, i the i-th class.
    confidence_path : path, optional
        Raster of the same size, float; values that are not finite or not above 0 are unknown.
    instances_path : path, optional
        Raster of the same size, uint16: neighbours of one class with different numbers are different regions.
    strip_rows : int, optional
        Rows read at a time; the result does not depend on it.
    """
    progress = progress or Progress()
    with ExitStack() as stack:
        labels = stack.enter_context(rasterio.open(labels_path))
        others = [None if p is None else stack.enter_context(rasterio.open(p))
                  for p in (confidence_path, instances_path)]
        counter = RegionCounter(labels.height, labels.width)
        parts, cut, joints, tables = [], [], [], []
        progress.start("polygons", labels.height)
        for row, classes in iterate_strips(labels, strip_rows):
            window = Window(0, row, labels.width, len(classes))
            confidence, instances = (None if o is None else o.read(1, window=window) for o in others)
            zones = classes.astype(np.int32)
            if instances is not None:
                zones = np.where(classes > 0, zones * (1 << 16) + instances, 0) if classes.max(initial=0) < 1 << 15 \
                    else np.where(classes > 0, classes.astype(np.int64) * (1 << 16) + instances, 0)
            strip = counter.add(row, zones)
            tables.append(tabulate(strip, classes, confidence))
            whole, pieces, top = strip_arcs(strip)
            parts.append(whole)
            cut.append(pieces)
            joints.append(top)
            progress.advance(len(classes))
        found = counter.merged()
        parts.append(join_pieces(join_arcs(cut), np.concatenate(joints), labels.width))
        arcs = join_arcs(parts).in_raster_order(labels.width)
        number = found.astype(arcs.left.dtype)
        arcs = replace(arcs, left=number[arcs.left], right=number[arcs.right])
        regions = join_tables(tables).merged(found)
        return PlanarMap(arcs, regions, labels.width, labels.height, labels.transform, labels.crs)


def polygonize(labels_path: str | Path, names: Sequence[str], *, confidence_path: str | Path | None = None,
               instances_path: str | Path | None = None, options: PolygonOptions | None = None,
               target_crs: Any = None, strip_rows: int | None = None,
               progress: Progress | None = None) -> Iterator[gpd.GeoDataFrame]:
    """Polygons of a label raster, in parts that hold whole polygons.

    The polygons of all parts together partition the labelled pixels. Without a CRS, `area_m2` and `perimeter_m` are NaN
    and `area_px` holds the area in pixels. The options that change labels (`min_area`, `fill_holes`) are applied by
    `geo_ovss.cleaning.clean_labels` beforehand; `instances` by `geo_ovss.instances.split_instances`.

    Parameters
    ----------
    labels_path, confidence_path, instances_path
        See `read_map`.
    names : sequence of str
        Name of class i is ``names[i - 1]``.
    target_crs : anything that pyproj understands, optional
        CRS of the polygons; the raster's where it is left out.

    Yields
    ------
    GeoDataFrame
        Columns class_id, class_name, confidence (mean over the polygon's pixels), confidence_min, area_m2 and
        perimeter_m (on the ellipsoid), geometry.
    """
    options = options or PolygonOptions()
    planar = read_map(labels_path, confidence_path, instances_path=instances_path, strip_rows=strip_rows,
                      progress=progress)
    placement = Placement(planar.crs, planar.transform, planar.width, planar.height, target_crs)
    tracer = RingTracer(planar.arcs, len(planar.regions))
    arcs = shape_arcs(planar, tracer, options, names)
    ground = Ground(placement.crs)
    parts = ((planar.regions.take(slice(first - 1, last - 1)), _placed(arcs, tracer.trace(first, last), placement))
             for first, last in tracer.batches(BATCH_POINTS))
    for regions, polygons in _dissolved(parts) if options.dissolve else parts:
        yield _frame(polygons, regions, placement, ground, names)


def _placed(arcs: Arcs, rings: Rings, placement: Placement) -> NDArray[np.object_]:
    """Polygons on the map; an arc comes to lie at the very same place for the regions on either side."""
    used, which = np.unique(rings.halves >> 1, return_inverse=True)
    own = replace(rings, halves=2 * which.ravel() + (rings.halves & 1))
    return build_polygons(placement.place(arcs.take(used)), own)


_Part = tuple[RegionTable, NDArray[np.object_]]


def _dissolved(parts: Iterable[_Part]) -> Iterator[_Part]:
    """One multipart polygon a class, class by class; all polygons are held at once."""
    tables, polygons = zip(*parts, strict=True)
    table, singles = join_tables(list(tables)), np.concatenate(polygons)
    for class_id in np.unique(table.class_id):
        of_class = table.class_id == class_id
        yield table.take(of_class).total(), np.array([shapely.multipolygons(singles[of_class])])


def _frame(polygons: NDArray[np.object_], regions: RegionTable, placement: Placement, ground: Ground,
           names: Sequence[str]) -> gpd.GeoDataFrame:
    area, perimeter = ground.areas_and_perimeters(polygons)
    columns: dict[str, Any] = {
        "class_id": regions.class_id.astype(np.int32),
        "class_name": np.array(["", *names], dtype=object)[regions.class_id],
        "confidence": regions.mean(),
        "confidence_min": regions.minimum(),
        "area_m2": area if ground.metric else np.full(len(area), np.nan),
        "perimeter_m": perimeter if ground.metric else np.full(len(area), np.nan),
    }
    if not ground.metric:
        columns["area_px"] = shapely.area(polygons) / abs(placement.transform.determinant)
    return gpd.GeoDataFrame(columns, geometry=placement.finish(polygons), crs=placement.crs)
