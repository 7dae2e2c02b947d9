"""Every error a user can cause: one class and one sentence each.

The command line prints the sentence on stderr and ends with status 2; the library raises the class.
"""

from __future__ import annotations

from collections.abc import Iterable


class GeoOvssError(Exception):
    """Base of all errors that the user's input can cause; its text is one sentence."""


class OutputExists(GeoOvssError):
    """An output file is there already and ``overwrite`` was not asked for."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} exists already; pass --overwrite to replace it.")


class OutputFolderMissing(GeoOvssError):
    """The folder that an output should go to does not exist."""

    def __init__(self, folder: object) -> None:
        super().__init__(f"The output folder {folder} does not exist.")


class OutputNotWritable(GeoOvssError):
    """The folder that an output should go to cannot be written."""

    def __init__(self, folder: object) -> None:
        super().__init__(f"The output folder {folder} cannot be written to.")


class NotAFeatureStore(GeoOvssError):
    """The path does not hold a feature store."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} is not a feature store that `geo-ovss encode` has made.")


class IncompleteStore(GeoOvssError):
    """The encoding that made a store was interrupted."""

    def __init__(self, path: object, done: int, total: int) -> None:
        super().__init__(
            f"{path} holds {done} of {total} blocks; run the same `geo-ovss encode` command again to finish it."
        )


class DamagedStore(GeoOvssError):
    """A feature store's content is not what was written."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(f"The feature store {path} is damaged ({what}); delete it and encode the scene again.")


class NoClassTokens(GeoOvssError):
    """The presence filter needs class tokens, and a feature store has none."""

    def __init__(self, path: object) -> None:
        super().__init__(
            f"{path} was encoded without class tokens, which presence needs; encode the scene again, or set presence=0."
        )


class StoreMismatch(GeoOvssError):
    """A feature store belongs to another raster, preset or version."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(f"{path} was made from another {what}; delete it or choose another place.")


class DiskFull(GeoOvssError):
    """No room is left where the run writes; finished blocks stay."""

    exit_status = 1

    def __init__(self, path: object) -> None:
        super().__init__(
            f"No room is left to write in {path}; the finished blocks are kept, "
            "and the same command goes on from there."
        )


class UnknownPreset(GeoOvssError):
    """No preset has that name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"There is no preset {name!r}; the presets are {', '.join(known)}.")


class BadPresetValue(GeoOvssError):
    """A value given in place of a preset's is out of range, or no preset has such a value."""

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(f"{name} cannot be {value!r}: it must be {allowed}.")


class UnknownModel(GeoOvssError):
    """A name given for a CLIP, a guide or a SAM is neither known nor a file."""

    def __init__(self, component: str, name: str, hint: str) -> None:
        super().__init__(f"{name!r} is not a known {component} and no such file exists: {hint}.")


class ModelMissing(GeoOvssError):
    """Weights are not on this machine, and cannot be fetched now."""

    def __init__(self, file: str, name: str, why: str = "") -> None:
        because = f" ({why})" if why else ""
        super().__init__(
            f"The weights {file} are not on this machine{because}; `geo-ovss models fetch {name}` gets them where "
            "there is a network, and the preset mini works without."
        )


class ModelRefused(GeoOvssError):
    """The publisher's server does not hand a file out."""

    def __init__(self, file: str, status: int, source: str) -> None:
        why = {401: "it asks for an account", 403: "it asks to accept a licence first", 404: "it has no such file"}
        super().__init__(f"The server refused {file} with status {status} ({why.get(status, 'no reason given')}); "
                         f"see {source}.")


class ModelDamaged(GeoOvssError):
    """A file of weights is not what its publisher published."""

    def __init__(self, file: object, what: str) -> None:
        super().__init__(
            f"{file} is not the published file ({what}); delete it if it is still there and fetch it again."
        )


class ModelUnreadable(GeoOvssError):
    """A file given as weights cannot be read, or does not fit the architecture."""

    def __init__(self, file: object, why: str) -> None:
        super().__init__(f"{file} cannot be used as weights: {why}.")


class NoSuchDevice(GeoOvssError):
    """The device asked for is not on this machine."""

    def __init__(self, device: str) -> None:
        super().__init__(f"The device {device!r} is not available here; leave --device away to take the best one.")


class UnsupportedClip(GeoOvssError):
    """A CLIP whose layout the encoder cannot open."""

    def __init__(self, why: str) -> None:
        super().__init__(f"This CLIP cannot be used: {why}.")


class UnsupportedGuide(GeoOvssError):
    """A guide whose tokens cannot be read for windows of any size."""

    def __init__(self, why: str) -> None:
        super().__init__(f"This guide cannot be used: {why}.")


class UnsupportedSam(GeoOvssError):
    """A SAM whose last attention cannot be read out."""

    def __init__(self, why: str) -> None:
        super().__init__(f"This SAM cannot be used: {why}.")


class UnknownMethod(GeoOvssError):
    """No method of that name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no method {name!r}; there are {', '.join(known)}.")


class UnknownMethodOption(GeoOvssError):
    """A method was given an option that it does not know."""

    def __init__(self, name: str, option: str, known: Iterable[str]) -> None:
        super().__init__(f"The method {name} has no option {option!r}; it has {', '.join(known)}.")


class BadMethodOption(GeoOvssError):
    """A method's option has a value that cannot be."""

    def __init__(self, name: str, option: str, why: str) -> None:
        super().__init__(f"The option {option} of the method {name} {why}.")


class MissingEncoder(GeoOvssError):
    """A method needs an encoder that was not given."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"The method {name} needs a {what}, and none was given.")


class WindowNotWhole(GeoOvssError):
    """A window or stride is no whole number of tokens."""

    def __init__(self, window: int, stride: int, token: int) -> None:
        super().__init__(
            f"A window of {window} pixels moved by {stride} is no whole number of tokens of {token} pixels."
        )


class TruthNotReadable(GeoOvssError):
    """A ground truth file is missing, or neither a raster nor a vector file."""

    def __init__(self, path: object) -> None:
        super().__init__(f"The ground truth {path} cannot be read as a raster or a vector file.")


class TruthSizeMismatch(GeoOvssError):
    """A label picture is of another size than its picture, and nothing says where it lies."""

    def __init__(self, path: object, size: tuple[int, int], expected: tuple[int, int]) -> None:
        super().__init__(
            f"The ground truth {path} has {size[0]} x {size[1]} pixels (rows x columns) where its picture has"
            f" {expected[0]} x {expected[1]}, and they are not both georeferenced."
        )


class TruthWithoutCrs(GeoOvssError):
    """Polygons in a CRS cannot be laid on a picture that has none."""

    def __init__(self, path: object) -> None:
        super().__init__(f"The ground truth {path} has a CRS and its picture has none, so that it cannot be placed.")


class TruthAttributeMissing(GeoOvssError):
    """Ground truth polygons do not have the attribute that names their class."""

    def __init__(self, path: object, attribute: str, columns: list[str]) -> None:
        super().__init__(
            f"The ground truth {path} has no attribute {attribute}; it has {', '.join(map(str, columns))}."
        )


class TruthValueOutOfRange(GeoOvssError):
    """A ground truth value stands for no class."""

    def __init__(self, value: int, classes: int) -> None:
        super().__init__(
            f"The ground truth holds the value {value} but there are only {classes} classes; say what the values mean"
            " with --label-map or --label-offset."
        )


class BadLabelMap(GeoOvssError):
    """A label map that cannot be."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The label map is wrong: {why}.")


class NoPairs(GeoOvssError):
    """No picture has a ground truth."""

    def __init__(self, images: object, labels: object, why: str) -> None:
        super().__init__(f"No picture of {images} has a ground truth in {labels}: {why}.")


class AmbiguousPairs(GeoOvssError):
    """A picture has several files that could be its ground truth."""

    def __init__(self, name: str, files: list[str]) -> None:
        super().__init__(
            f"Several files could belong to the picture {name} ({', '.join(files)}); say which with --image-suffix and"
            " --label-suffix."
        )


class UnknownBenchmark(GeoOvssError):
    """No benchmark of that name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no benchmark {name!r}; there are {', '.join(known)}.")


class BadBenchmark(GeoOvssError):
    """A benchmark description that cannot be."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(f"The benchmark description {path} is wrong: {why}.")


class BenchmarkLayoutMissing(GeoOvssError):
    """The data of a benchmark do not lie where its description says."""

    def __init__(self, name: str, missing: object) -> None:
        super().__init__(f"The data of the benchmark {name} are not complete: {missing} does not exist.")


class BadSweep(GeoOvssError):
    """A parameter sweep that cannot be."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"The sweep {text!r} is wrong: {why}; write it as threshold=0.1:0.5:0.1.")


class EvaluationInputMissing(GeoOvssError):
    """Options of `geo-ovss evaluate` that do not make a run."""

    def __init__(self, why: str) -> None:
        super().__init__(f"There is nothing to evaluate: {why}.")


class BadOption(GeoOvssError):
    """An option's value cannot be understood."""

    def __init__(self, option: str, value: object, expected: str) -> None:
        super().__init__(f"{option} takes {expected}, not {value!r}.")


class ClusterMissing(GeoOvssError):
    """Dask is not installed."""

    def __init__(self) -> None:
        super().__init__("Running on a cluster needs Dask; install it with `pip install geo-ovss[cluster]`.")


class ClusterUnreachable(GeoOvssError):
    """No Dask scheduler answers."""

    def __init__(self, address: object) -> None:
        super().__init__(f"No Dask scheduler answers at {address}.")


class RasterMissing(GeoOvssError):
    """There is no file or object where the raster should be."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} does not exist.")


class NotARaster(GeoOvssError):
    """The file is there, but GDAL cannot open it as a raster."""

    def __init__(self, path: object, why: str = "") -> None:
        because = f" ({why})" if why else ""
        super().__init__(f"{path} cannot be opened as a raster{because}.")


class RasterDamaged(GeoOvssError):
    """Pixels of a raster cannot be read: the file is cut short or broken."""

    def __init__(self, path: object, why: str = "") -> None:
        because = f" ({why})" if why else ""
        super().__init__(f"{path} is damaged or cut short: its pixels cannot be read{because}.")


class UnsupportedPixels(GeoOvssError):
    """Pixels of a type that has no picture, such as complex numbers."""

    def __init__(self, path: object, dtype: str) -> None:
        super().__init__(f"{path} holds {dtype} pixels, which cannot be shown as a picture.")


class UnknownBand(GeoOvssError):
    """A band that the raster does not have."""

    def __init__(self, path: object, band: int, count: int) -> None:
        has = "1 band" if count == 1 else f"{count} bands"
        super().__init__(f"There is no band {band}: {path} has {has}, counted from 1.")


class NoValidPixels(GeoOvssError):
    """Nothing of the scene (or of the area of interest) is data."""

    def __init__(self, path: object, where: str = "", hint: str = "") -> None:
        super().__init__(f"{path} has no valid pixel{where}{hint}.")


class GsdWithoutMetres(GeoOvssError):
    """A resolution in metres is asked for where nothing says how large a pixel is."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(f"--gsd cannot be used on {path}: {why}.")


class AoiMissing(GeoOvssError):
    """The file of the area of interest does not exist."""

    def __init__(self, path: object) -> None:
        super().__init__(f"The area of interest {path} is neither a file nor a box xmin,ymin,xmax,ymax.")


class AoiUnreadable(GeoOvssError):
    """The area of interest cannot be understood."""

    def __init__(self, aoi: object, why: str) -> None:
        super().__init__(f"The area of interest {aoi} cannot be used: {why}.")


class AoiOutside(GeoOvssError):
    """The area of interest does not touch the scene."""

    def __init__(self, aoi: object, path: object) -> None:
        super().__init__(f"The area of interest {aoi} holds no pixel of {path}.")


class NoClasses(GeoOvssError):
    """A class list without any class."""

    def __init__(self, source: str = "The class list") -> None:
        super().__init__(f"{source} names no class.")


class ClassTwice(GeoOvssError):
    """The same class twice."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The class {name!r} is named twice.")


class ClassWithoutWord(GeoOvssError):
    """A class, or one of its synonyms, is empty."""

    def __init__(self, where: str) -> None:
        super().__init__(f"There is a class with no word {where}.")


class TooManyClasses(GeoOvssError):
    """More classes than a label raster can number."""

    def __init__(self, count: int, most: int) -> None:
        super().__init__(f"{count} classes are too many: a label raster can number {most}.")


class BadColour(GeoOvssError):
    """A colour that is none."""

    def __init__(self, colour: str, where: str) -> None:
        super().__init__(f"{colour!r} {where} is not a colour; write #rrggbb, or a space after # for a comment.")


class ClassFileMissing(GeoOvssError):
    """The class file does not exist."""

    def __init__(self, path: object) -> None:
        super().__init__(f"The class file {path} does not exist.")


class ClassFileUnreadable(GeoOvssError):
    """The class file is no text."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(f"The class file {path} cannot be read: {why}.")


class UnknownTemplates(GeoOvssError):
    """No set of prompt templates of that name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There are no prompt templates {name!r}; there are {', '.join(known)}.")


class NotAGoldenFile(GeoOvssError):
    """The path does not hold golden vectors."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} is not a golden file.")


class UnknownVectorFormat(GeoOvssError):
    """The suffix of an output is no vector format that can be written."""

    def __init__(self, path: object, suffixes: list[str]) -> None:
        super().__init__(f"Polygons cannot be written to {path}: its name must end in one of {', '.join(suffixes)}.")


class LayerExists(GeoOvssError):
    """A layer is in the file already and ``overwrite`` was not asked for."""

    def __init__(self, path: object, layer: str) -> None:
        super().__init__(f"{path} has a layer {layer!r} already; pass --overwrite to replace it, or another --layer.")


class LayerUnsupported(GeoOvssError):
    """A layer cannot be added to a file of that format."""

    def __init__(self, path: object) -> None:
        super().__init__(f"No layer can be added to {path}; only a GeoPackage (.gpkg) takes more than one.")


class BadTargetCrs(GeoOvssError):
    """Polygons cannot be written in that CRS."""

    def __init__(self, crs: object, why: str) -> None:
        super().__init__(f"The polygons cannot be written in {str(crs)!r}: {why}.")


class NotATiff(GeoOvssError):
    """A raster output whose name is not that of a TIFF."""

    def __init__(self, path: object) -> None:
        super().__init__(f"A raster cannot be written to {path}: its name must end in .tif or .tiff.")


class UnknownClass(GeoOvssError):
    """An option names a class that is not in the class list."""

    def __init__(self, name: str, names: Iterable[str]) -> None:
        super().__init__(f"There is no class {name!r}; the classes are {', '.join(names)}.")


class ConfidenceNeeded(GeoOvssError):
    """Objects can be told apart by their confidence only."""

    def __init__(self) -> None:
        super().__init__("Touching objects are split by their confidence, and there is no confidence raster.")


class FoliumMissing(GeoOvssError):
    """An interactive map needs folium."""

    def __init__(self) -> None:
        super().__init__("The interactive map needs folium: pip install 'geo-ovss[explore]'.")


class NotAGeoPackage(GeoOvssError):
    """A layer cannot be added to a file that is no GeoPackage."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} is no GeoPackage that can be read, so no layer can be added to it.")
