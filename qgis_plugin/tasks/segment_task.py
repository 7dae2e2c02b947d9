"""One press on Run: encode where there are no kept features that fit, then answer the class list from them."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from ..engine.class_file import write_classes
from ..engine.commands import EncodeOptions, Question, encode_command, query_command
from ..engine.engine import Engine
from ..engine.events import EngineEvent
from ..engine.feature_stores import FeatureStores, KeptStore
from ..engine.pace import Pace
from ..results.area_file import is_box, write_area
from ..translation import tr
from .engine_task import EngineTask
from .segment_job import SegmentJob


class SegmentTask(EngineTask):
    """Runs a job; `result` is the files written, by kind.

    Attributes
    ----------
    asked_again : bool
        Whether kept features were found, so that nothing had to be encoded.
    """

    def __init__(self, engine: Engine, stores: FeatureStores, job: SegmentJob) -> None:
        super().__init__(tr("Segment {}").format(job.layer_name))
        self.job = job
        self.asked_again = False
        self._engine, self._stores = engine, stores
        self._pace = Pace()

    def work(self) -> dict[str, str]:
        store = self._features()
        folder = tempfile.mkdtemp(prefix="geo-ovss-")
        try:
            classes = str(Path(folder) / "classes.txt")
            write_classes(classes, self.job.classes)
            command = query_command(str(store.path), Question(classes, self.job.answer), self.job.outputs)
            return self._engine.run(command, self.log, self._hear, self.isCanceled)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _features(self) -> KeptStore:
        job = self.job
        store = self._stores.reserve(job.layer_name, job.source, job.encode)
        if store.whole:
            self.asked_again = True
            self._pace = Pace(encodes=False)
            return store
        options = self._with_area_file(store, job.encode)
        command = encode_command(job.source, str(store.path), options)
        self._engine.run(command, self.log, self._hear_encode, self.isCanceled)
        return self._stores.finish(store)

    def _with_area_file(self, store: KeptStore, options: EncodeOptions) -> EncodeOptions:
        if not options.aoi or is_box(options.aoi):
            return options
        write_area(store.area_file, options.aoi, self.job.area_crs)
        return replace(options, aoi=str(store.area_file))

    def _hear_encode(self, event: EngineEvent) -> None:
        if event.stage != "done":  # the answer is still to come
            self._hear(event)

    def _hear(self, event: EngineEvent) -> None:
        if event.stage == "error":
            return
        text = self._pace.follow(event)
        self.setProgress(self._pace.percent)
        self.spoke.emit(text)
