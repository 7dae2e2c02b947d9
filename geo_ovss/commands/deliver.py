"""From a segmentation to the files that the user asked for."""

from __future__ import annotations

from geo_ovss.outputs import Outputs
from geo_ovss.polygons import PolygonOptions
from geo_ovss.progress import Progress
from geo_ovss.segmentation import Segmentation


def deliver(result: Segmentation, outputs: Outputs, shapes: PolygonOptions, *, overwrite: bool,
            progress: Progress, extra: dict[str, str]) -> None:
    """Write every wanted file and tell where they are and what they hold."""
    summary = result.write_polygons(outputs.polygons, shapes, layer=outputs.layer, target_crs=outputs.target_crs,
                                    overwrite=overwrite, progress=progress)
    if outputs.labels is not None:
        result.write_labels(outputs.labels, overwrite=overwrite)
    if outputs.confidence is not None:
        result.write_confidence(outputs.confidence, overwrite=overwrite)
    if outputs.preview is not None:
        result.preview(outputs.preview, overwrite=overwrite)
    if outputs.report is not None:
        progress.end_stage()
        result.report(outputs.report, summary, timings=progress.timings, overwrite=overwrite)
    written = {kind: str(path) for kind, path in outputs.paths().items()}
    progress.finish(f"{summary}\n" + "\n".join(f"{kind}: {path}" for kind, path in (written | extra).items()),
                    written | extra)

