"""The QGIS plugin's parts that need neither QGIS nor Qt, and what plugin and engine must agree on."""

from __future__ import annotations

from pathlib import Path

import pytest
from plugin_build import PLUGIN, build_and_unpack


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content of the built zip."""
    return build_and_unpack(tmp_path_factory.mktemp("plugins"))[1]


# -- the plugin and the engine agree -------------------------------------------------------------------------------


@pytest.fixture
def plugin_modules(unpacked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin's pure modules, importable."""
    monkeypatch.syspath_prepend(str(unpacked))


@pytest.mark.usefixtures("plugin_modules")
def test_the_engine_reads_the_class_files_that_the_panel_writes() -> None:
    from geo_ovss_qgis.engine.class_entry import ClassEntry
    from geo_ovss_qgis.engine.class_file import format_classes, parse_classes

    from geo_ovss.vocabulary import parse_classes as engine_reads

    entries = [
        ClassEntry("building", ("house", "roof"), "#d1495b"),
        ClassEntry("road", (), "#6c757d"),
        ClassEntry("low plants", ("grass", "lawn"), "#95d5b2", asks_name=False),
        ClassEntry("sand, gravel", (), "#e9c46a"),
        ClassEntry("car", (), "#f4a261", ticked=False),
    ]
    text = format_classes(entries)
    assert parse_classes(text) == entries
    read = engine_reads(text)
    assert [(one.name, one.words, one.colour) for one in read.classes] == [
        (entry.name, entry.words, entry.colour) for entry in entries if entry.ticked
    ]


@pytest.mark.usefixtures("plugin_modules")
@pytest.mark.parametrize("text", [
    "road\nbuilding = house | roof  #d1495b\n",
    "# a comment\n\nwater = river | lake #1f78b4 # blue\nroad, building|house\ntree;sand, gravel\n",
    "sea #03f\n",
])
def test_the_panel_reads_class_files_as_the_engine_does(text: str) -> None:
    from geo_ovss_qgis.engine.class_file import parse_classes

    from geo_ovss.vocabulary import parse_classes as engine_reads

    panel = [(entry.name, set(entry.words), entry.colour) for entry in parse_classes(text)]
    for (name, words, colour), one in zip(panel, engine_reads(text).classes, strict=True):
        assert (name, words) == (one.name, set(one.words))
        assert one.colour is None or colour == one.colour


@pytest.mark.usefixtures("plugin_modules")
def test_the_panel_offers_the_methods_of_the_engine() -> None:
    from geo_ovss_qgis.engine.methods import METHODS as OFFERED

    from geo_ovss.methods import METHODS

    assert set(OFFERED) == set(METHODS)


@pytest.mark.usefixtures("plugin_modules")
def test_suggestions_are_class_files_that_the_engine_takes() -> None:
    from geo_ovss_qgis.engine.suggestions import suggestions

    from geo_ovss.vocabulary import parse_classes

    assert len(suggestions()) >= 4
    for path in (PLUGIN / "suggestions").glob("*.txt"):
        assert len(parse_classes(path)) >= 5


@pytest.mark.usefixtures("plugin_modules")
def test_the_engine_takes_the_panels_arguments() -> None:
    from geo_ovss_qgis.engine.commands import (
        AnswerOptions,
        EncodeOptions,
        OutputFiles,
        Question,
        encode_command,
        query_command,
        segment_command,
    )

    encode = EncodeOptions("base", "sclip", 0.25, "-1.5,2,3,4e5", "3,2,1")
    question = Question("/c.txt", AnswerOptions(0.3, False, 2.0, 0.5))
    outputs = OutputFiles("/p.gpkg", "/l.tif", "/c.tif")
    taken = engine_parses(segment_command("/scene.tif", encode, question, outputs))
    assert taken["aoi"] == "-1.5,2,3,4e5" and taken["gsd"] == 0.25 and taken["refine"] is False
    assert taken["progress"].value == "json" and taken["overwrite"] is True
    assert engine_parses(encode_command("/scene.tif", "/s.features", encode))["output"] == Path("/s.features")
    taken = engine_parses(query_command("/s.features", question, outputs))
    assert (taken["threshold"], taken["min_area"], taken["simplify"]) == (0.3, 2.0, 0.5)
    assert (taken["labels"], taken["confidence"]) == (Path("/l.tif"), Path("/c.tif"))


def engine_parses(arguments: list[str]) -> dict[str, object]:
    """What the engine's own command line makes of an argument list; nothing is run."""
    import typer

    from geo_ovss import cli

    if not cli.app.registered_commands:
        cli._register()
    group = typer.main.get_command(cli.app)
    command = group.commands[arguments[0]]  # type: ignore[attr-defined]
    return command.make_context(arguments[0], list(arguments[1:])).params


# -- parts without Qt ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("plugin_modules")
def test_events_are_told_from_garbage() -> None:
    from geo_ovss_qgis.engine.events import parse_event

    event = parse_event('{"stage": "encode", "done": 12, "total": 81, "message": "", "rate": 3.0}')
    assert event is not None and event.fraction == pytest.approx(12 / 81) and event.rate == 3.0
    for line in ("", "null", "[1]", "{}", '{"stage": 3}', "\ufffd{", "UserWarning: something"):
        assert parse_event(line) is None
    odd = parse_event('{"stage": "encode", "done": NaN, "total": "many", "outputs": [1]}')
    assert odd is not None and odd.fraction is None and odd.outputs == {}


@pytest.mark.usefixtures("plugin_modules")
def test_the_bar_never_goes_back_and_tells_the_time_left() -> None:
    from geo_ovss_qgis.engine.events import EngineEvent
    from geo_ovss_qgis.engine.pace import Pace, duration

    now = [0.0]
    pace = Pace(clock=lambda: now[0])
    pace.follow(EngineEvent("encode", 0, 100))
    now[0] = 10.0
    assert pace.follow(EngineEvent("encode", 50, 100)) == "encode: 50 of 100, 5 a second, about 10 s left"
    assert pace.percent == 40.0
    percents = [pace.percent]
    for event in (EngineEvent("encode", 100, 100), EngineEvent("odd", 1, 2), EngineEvent("classify", 0, 5),
                  EngineEvent("encode", 1, 100), EngineEvent("done", 1, 1)):
        pace.follow(event)
        percents.append(pace.percent)
    assert percents == sorted(percents) and percents[-1] == 100.0
    question = Pace(encodes=False, clock=lambda: now[0])
    question.follow(EngineEvent("classify", 5, 5))
    assert question.percent == 40.0, "a question has the bar to itself"
    assert [duration(s) for s in (3.6, 200, 7500)] == ["4 s", "3 min 20 s", "2 h 05 min"]


@pytest.mark.usefixtures("plugin_modules")
def test_a_windows_child_finds_its_own_libraries_first() -> None:
    from geo_ovss_qgis.engine.child_environment import clean_environment

    parent = {"Path": "C:\\OSGeo4W\\bin;C:\\Windows;C:\\OSGeo4Wx", "OSGEO4W_ROOT": "C:\\OSGeo4W", "PythonHome": "x"}
    child = clean_environment(parent, "C:\\env\\python.exe", windows=True)
    folders = child["PATH"].split(";")
    assert "C:\\OSGeo4W\\bin" not in folders
    assert folders[-2:] == ["C:\\Windows", "C:\\OSGeo4Wx"]
    assert "PythonHome" not in child and "OSGEO4W_ROOT" not in child
    assert parent["Path"].startswith("C:\\OSGeo4W\\bin"), "the parent's is as it was"


@pytest.mark.usefixtures("plugin_modules")
def test_kept_features_follow_the_raster(tmp_path: Path) -> None:
    from geo_ovss_qgis.engine.commands import EncodeOptions
    from geo_ovss_qgis.engine.feature_stores import FeatureStores, size_text

    raster = tmp_path / "a.tif"
    raster.write_bytes(b"first")
    stores, options = FeatureStores(tmp_path / "features"), EncodeOptions("mini")
    store = stores.reserve("My layer/1", str(raster), options)
    assert store.path.name == "My_layer_1-1.features" and not store.whole
    assert stores.reserve("My layer/1", str(raster), options).path == store.path, "an unfinished one is gone on with"
    store.path.mkdir()
    (store.path / "data").write_bytes(b"x" * 2500)
    stores.finish(store)
    found = stores.find(str(raster), options)
    assert found is not None and found.whole and size_text(found.nbytes) == "2.5 kB"
    assert stores.find(str(raster), EncodeOptions("base")) is None
    raster.write_bytes(b"changed")
    assert stores.find(str(raster), options) is None, "a changed raster is another one"
    (stores.folder / "odd-1.features.json").write_text("{")
    assert [kept.path for kept in stores.all()] == [store.path]
    stores.delete(found)
    assert stores.all() == [] and not store.path.exists()


@pytest.mark.usefixtures("plugin_modules")
def test_sentences_go_through_the_translation_in_use() -> None:
    from geo_ovss_qgis.engine import texts
    from geo_ovss_qgis.engine.errors import EngineCancelled, EngineNotStarted

    assert str(EngineCancelled()) == "The run was cancelled."
    texts.use_translation(str.upper)
    try:
        assert str(EngineCancelled()) == "THE RUN WAS CANCELLED."
        assert "INTERPRETER /usr/bin/python CANNOT" in str(EngineNotStarted("/usr/bin/python"))
    finally:
        texts._translators.clear()
