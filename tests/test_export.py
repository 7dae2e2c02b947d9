"""Files of polygons: whole or not at all, clean for GDAL, the same content in every format."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from affine import Affine
from gdal_programs import run_clean
from label_rasters import town, write_raster

from geo_ovss import errors
from geo_ovss.export import read_polygons, summary_path, write_polygons
from geo_ovss.outputs import Outputs
from geo_ovss.polygons import PolygonOptions
from geo_ovss.summary import Summary

NAMES = ["building", "Straße", "trees & bushes", "вода"]
COLOURS = ["#ac3218", "#4e5057", "#5cd249", "#457ae7"]
METADATA = {"source": "town.tif", "preset": "mini", "version": "0.1"}
SUFFIXES = [".gpkg", ".parquet", ".fgb", ".geojson", ".shp"]


@pytest.fixture(scope="module")
def rasters(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("rasters")
    labels = town(160)
    confidence = np.random.default_rng(0).uniform(0.3, 1, labels.shape).astype(np.float32)
    return write_raster(folder / "town.tif", labels), write_raster(folder / "sure.tif", confidence)


def write(rasters: tuple[Path, Path], out: Path, **arguments: object) -> Summary:
    return write_polygons(*rasters, NAMES, COLOURS, out, metadata=METADATA, **arguments)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_holds_the_same(rasters: tuple[Path, Path], tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"town{suffix}"
    summary = write(rasters, out)
    found = read_polygons(out)
    shapes = found.geometry.to_numpy()
    assert len(found) == summary.count > 8
    assert shapely.is_valid(shapes).all() and shapely.coverage_is_valid(shapes)
    assert set(found.class_name) == set(NAMES) and found.class_id.between(1, 4).all()
    assert (found.class_name == np.array(["", *NAMES])[found.class_id]).all()
    assert found.area_m2.sum() == pytest.approx(160 * 160 / 4, rel=2e-3)
    assert found.confidence.between(0.3, 1).all()
    least = found["conf_min" if suffix == ".shp" else "confidence_min"]
    assert (least <= found.confidence).all()
    assert found.crs.to_epsg() == (4326 if suffix == ".geojson" else 32633)
    if suffix != ".parquet":                            # GDAL of Debian 12 is built without
        assert "Feature Count" in run_clean("ogrinfo", "-al", "-so", str(out))
    table = summary_path(out).read_text(encoding="utf-8").splitlines()
    assert table[0] == "class_id,class_name,polygons,area_m2,share,confidence" and len(table) == 5
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_the_summary_is_a_table(rasters: tuple[Path, Path], tmp_path: Path) -> None:
    summary = write(rasters, tmp_path / "t.gpkg")
    found = read_polygons(tmp_path / "t.gpkg")
    for row in summary.rows:
        mine = found[found.class_id == row.class_id]
        assert (row.class_name, row.count) == (NAMES[row.class_id - 1], len(mine))
        assert row.area == pytest.approx(mine.area_m2.sum())
        assert row.confidence == pytest.approx((mine.confidence * mine.area_m2).sum() / mine.area_m2.sum(), rel=1e-6)
    assert sum(row.share for row in summary.rows) == pytest.approx(1)
    lines = str(summary).splitlines()
    assert lines[0].split() == ["class", "polygons", "area", "m2", "share", "confidence"]
    assert lines[-1].startswith("total")


def test_metadata_is_in_the_file(rasters: tuple[Path, Path], tmp_path: Path) -> None:
    for suffix in (".gpkg", ".parquet", ".fgb", ".geojson"):
        write(rasters, tmp_path / f"t{suffix}")
    assert pyogrio.read_info(tmp_path / "t.gpkg", layer="t")["layer_metadata"] == METADATA
    import pyarrow.parquet as pq

    kept = pq.read_schema(tmp_path / "t.parquet").metadata
    assert {k: kept[k.encode()].decode() for k in METADATA} == METADATA
    assert json.loads(json.loads((tmp_path / "t.geojson").read_text())["description"]) == METADATA
    assert b"mini" in (tmp_path / "t.fgb").read_bytes()[:4000]


def test_geoparquet_says_what_it_holds(rasters: tuple[Path, Path], tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    write(rasters, tmp_path / "t.parquet")
    geo = json.loads(pq.read_schema(tmp_path / "t.parquet").metadata[b"geo"])
    column = geo["columns"]["geometry"]
    assert (geo["version"], geo["primary_column"], column["geometry_types"]) == ("1.1.0", "geometry", ["Polygon"])
    assert column["bbox"] == pytest.approx(list(gpd.read_parquet(tmp_path / "t.parquet").total_bounds))
    assert pyproj.CRS.from_json_dict(column["crs"]).to_epsg() == 32633


def test_geojson_is_rfc_7946(rasters: tuple[Path, Path], tmp_path: Path) -> None:
    write(rasters, tmp_path / "t.geojson")
    content = json.loads((tmp_path / "t.geojson").read_text(encoding="utf-8"))
    assert "crs" not in content and content["type"] == "FeatureCollection"
    for feature in content["features"]:
        polygon = shapely.geometry.shape(feature["geometry"])
        assert polygon.exterior.is_ccw and not any(ring.is_ccw for ring in polygon.interiors)
        assert 13 < polygon.centroid.x < 14 and 49 < polygon.centroid.y < 50
    with pytest.raises(errors.BadTargetCrs):
        write(rasters, tmp_path / "u.geojson", target_crs="EPSG:32633")
    write(rasters, tmp_path / "u.geojson", target_crs="EPSG:4326")


def test_geojson_across_the_antimeridian(tmp_path: Path) -> None:
    labels = write_raster(tmp_path / "l.tif", town(60), crs="EPSG:32660",
                          transform=Affine(500, 0, 595_000, 0, -500, 8_000_000))
    write_polygons(labels, None, NAMES, COLOURS, tmp_path / "t.geojson")
    found = read_polygons(tmp_path / "t.geojson")
    parts = found.explode()
    assert found.is_valid.all() and (parts.bounds.maxx - parts.bounds.minx).max() < 1
    assert {"Polygon", "MultiPolygon"} >= set(found.geom_type)
    assert parts.bounds.minx.min() == -180 and parts.bounds.maxx.max() == 180
    assert found.confidence.isna().all()


def test_target_crs(rasters: tuple[Path, Path], tmp_path: Path) -> None:
    write(rasters, tmp_path / "t.gpkg", target_crs="EPSG:4326")
    found = read_polygons(tmp_path / "t.gpkg")
    assert found.crs.to_epsg() == 4326 and shapely.coverage_is_valid(found.geometry.to_numpy())
    with pytest.raises(errors.BadTargetCrs, match="PROJ"):
        write(rasters, tmp_path / "u.gpkg", target_crs="EPSG:nothing")
    assert not (tmp_path / "u.gpkg").exists()


def test_a_layer_is_added_and_the_rest_untouched(rasters: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "all.gpkg"
    write(rasters, out, layer="first")
    gpd.GeoDataFrame({"mine": [1]}, geometry=[shapely.Point(1, 2)], crs="EPSG:32633").to_file(out, layer="my points")
    before = read_polygons(out, "first")
    write(rasters, out, layer="dissolved", append=True, options=PolygonOptions(dissolve=True))
    assert {name for name, kind in pyogrio.list_layers(out) if kind} == {"first", "my points", "dissolved"}
    assert read_polygons(out, "first").equals(before) and len(read_polygons(out, "dissolved")) == 4
    run_clean("ogrinfo", "-al", "-so", str(out))
    assert summary_path(out, "dissolved").exists() and summary_path(out).exists()
    with pytest.raises(errors.LayerExists):
        write(rasters, out, layer="dissolved", append=True)
    write(rasters, out, layer="dissolved", append=True, overwrite=True)
    assert len(read_polygons(out, "dissolved")) > 4
    assert read_polygons(out, "my points").mine.to_list() == [1]
    with pytest.raises(errors.LayerUnsupported):
        write(rasters, tmp_path / "t.fgb")
        write(rasters, tmp_path / "t.fgb", append=True)


def test_the_metadata_say_how_polygons_were_shaped(rasters: tuple[Path, Path], tmp_path: Path) -> None:
    options = PolygonOptions(min_area=25, simplify=1.5, smooth=True, regularize=("building", "Straße"))
    write(rasters, tmp_path / "t.gpkg", options=options)
    told = {"min_area": "25", "simplify": "1.5", "smooth": "yes", "regularize": "building, Straße"}
    assert pyogrio.read_info(tmp_path / "t.gpkg", layer="t")["layer_metadata"] == METADATA | told


def test_layers_and_lines_in_the_way_are_found_before_any_work(rasters: tuple[Path, Path], tmp_path: Path) -> None:
    write(rasters, tmp_path / "t.gpkg", layer="first")
    (tmp_path / "t.fgb").touch()
    (tmp_path / "new_centerlines.fgb").touch()
    with pytest.raises(errors.LayerExists, match=r"'first'.*--overwrite"):
        Outputs(tmp_path / "t.gpkg", layer="first").check(False)
    Outputs(tmp_path / "t.gpkg", layer="first").check(True)
    Outputs(tmp_path / "t.gpkg", layer="second").check(False)
    with pytest.raises(errors.LayerUnsupported):
        Outputs(tmp_path / "t.fgb", layer="second").check(True)
    with pytest.raises(errors.OutputExists, match="new_centerlines"):
        Outputs(tmp_path / "new.fgb").check(False, lines=True)
    Outputs(tmp_path / "new.fgb").check(False)


def test_a_layer_cannot_be_added_to_rubbish(rasters: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "t.gpkg").write_bytes(b"no database")
    with pytest.raises(errors.NotAGeoPackage):
        write(rasters, tmp_path / "t.gpkg", append=True)
    assert (tmp_path / "t.gpkg").read_bytes() == b"no database"


def test_appending_to_nothing_makes_the_file(rasters: tuple[Path, Path], tmp_path: Path) -> None:
    write(rasters, tmp_path / "new.gpkg", layer="a", append=True)
    assert "a" in {name for name, _ in pyogrio.list_layers(tmp_path / "new.gpkg")}


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".shp"])
def test_a_failure_leaves_what_was_there(rasters: tuple[Path, Path], tmp_path: Path, suffix: str,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / f"t{suffix}"
    write(rasters, out)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(errors.OutputExists):
        write(rasters, out)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("geo_ovss.polygons.build_polygons", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(rasters, out, overwrite=True)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_failure_in_the_middle_of_the_stream(rasters: tuple[Path, Path], tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    from geo_ovss import polygons

    built, calls = polygons.build_polygons, []

    def once(*arguments: object) -> object:
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return built(*arguments)

    monkeypatch.setattr(polygons, "BATCH_POINTS", 300)
    monkeypatch.setattr(polygons, "build_polygons", once)
    for suffix in SUFFIXES:
        calls.clear()
        with pytest.raises(KeyboardInterrupt):
            write(rasters, tmp_path / f"t{suffix}")
    assert not list(tmp_path.iterdir())


def test_bad_places(rasters: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(errors.UnknownVectorFormat, match=r"\.gpkg"):
        write(rasters, tmp_path / "t.kml")
    with pytest.raises(errors.OutputFolderMissing):
        write(rasters, tmp_path / "nowhere" / "t.gpkg")


def test_cleaning_and_no_crs(tmp_path: Path) -> None:
    labels = town(100)
    labels[np.random.default_rng(0).random(labels.shape) < 0.05] = 4
    path = write_raster(tmp_path / "l.tif", labels, crs=None, transform=Affine(2, 0, 0, 0, -2, 0))
    raw = write_polygons(path, None, NAMES, COLOURS, tmp_path / "raw.gpkg")
    summary = write_polygons(path, None, NAMES, COLOURS, tmp_path / "t.gpkg", options=PolygonOptions(min_area=20))
    assert summary.unit == raw.unit == "px" and summary.count < raw.count / 5 and summary.area == 100 * 100
    found = read_polygons(tmp_path / "t.gpkg")
    assert found.crs is None and found.area_px.min() >= 20 and found.area_m2.isna().all()
    with pytest.raises(errors.BadTargetCrs, match="no CRS"):
        write_polygons(path, None, NAMES, COLOURS, tmp_path / "u.gpkg", target_crs="EPSG:4326")
    with pytest.raises(errors.BadTargetCrs, match="GeoJSON"):
        write_polygons(path, None, NAMES, COLOURS, tmp_path / "u.geojson")
    run_clean("ogrinfo", "-al", "-so", str(tmp_path / "t.gpkg"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_polygons_at_all(tmp_path: Path, suffix: str) -> None:
    path = write_raster(tmp_path / "l.tif", np.zeros((20, 20), np.uint8))
    assert write_polygons(path, None, NAMES, COLOURS, tmp_path / f"t{suffix}").count == 0
    assert read_polygons(tmp_path / f"t{suffix}").empty


def test_a_shapefile_tells_its_limits(rasters: tuple[Path, Path], tmp_path: Path) -> None:
    assert "conf_min" in " ".join(write(rasters, tmp_path / "t.shp").messages)
    assert write(rasters, tmp_path / "t.gpkg").messages == []
