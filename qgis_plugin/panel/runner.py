"""Joins the panel to its tasks: Run, Cancel, what comes back."""

from __future__ import annotations

from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QObject

from .. import preferences
from ..engine.class_file import format_classes, parse_classes
from ..engine.errors import EngineCancelled, EngineError, EngineNotSet, EngineUnusable
from ..engine.presets import Preset, ask_presets, dump_presets
from ..messages import Messages
from ..results.result_layers import ResultLayers
from ..tasks.call_task import CallTask
from ..tasks.segment_task import SegmentTask
from ..translation import tr
from .dock import Dock


class Runner(QObject):
    """Works the dock.

    Parameters
    ----------
    dock : Dock
    messages : Messages
    """

    def __init__(self, dock: Dock, messages: Messages) -> None:
        super().__init__(dock)
        self._dock, self._messages = dock, messages
        self.task: SegmentTask | None = None
        self._question: CallTask | None = None
        dock.run_bar.run_asked.connect(self.run)
        dock.run_bar.cancel_asked.connect(self.cancel)
        dock.classes.failed.connect(messages.problem)
        dock.kept.failed.connect(messages.problem)
        dock.log_asked.connect(messages.show_log)
        self.refresh()
        self._recall_classes()

    # -- a run -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Begin a run with what the panel says; errors go to the message bar."""
        if self.task is not None:
            return
        try:
            job = self._dock.job()
            task = SegmentTask(preferences.engine(), preferences.feature_stores(), job)
        except (EngineNotSet, EngineUnusable) as error:
            self._messages.failure(error)
            return
        except EngineError as error:
            self._messages.problem(str(error))
            return
        self._remember()
        self.task = task
        task.progressChanged.connect(self._dock.run_bar.show_progress)
        task.spoke.connect(self._dock.run_bar.show_line)
        task.ended.connect(self._ended)
        self._dock.run_bar.show_running()
        self._dock.kept.set_busy(True)
        QgsApplication.taskManager().addTask(task)

    def cancel(self) -> None:
        """Stop the run; the task ends within two seconds."""
        if self.task is not None:
            self._dock.run_bar.show_line(tr("Stopping"))
            self.task.cancel()

    def _ended(self) -> None:
        task, self.task = self.task, None
        if task is None:
            return
        self._dock.kept.set_busy(False)
        self._dock.kept.show_stores(preferences.feature_stores())
        if task.error is not None:
            self._dock.run_bar.show_idle(str(task.error))
            if not isinstance(task.error, EngineCancelled):
                self._messages.failure(task.error)
            return
        job = task.job
        try:
            ResultLayers(QgsProject.instance()).add(job.layer_id, job.layer_name, job.classes, task.result)
        except EngineError as error:
            self._dock.run_bar.show_idle(str(error))
            self._messages.failure(error)
            return
        text = tr("{} was answered from its kept features.") if task.asked_again else tr("{} was segmented.")
        self._dock.run_bar.show_idle(text.format(job.layer_name))
        self._messages.good(text.format(job.layer_name))

    # -- what the panel shows besides --------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show presets and kept features as they are known now."""
        self._dock.kept.show_stores(preferences.feature_stores())
        self._dock.presets.set_presets(preferences.known_presets(), preferences.read("preset"))

    def ask_presets(self) -> None:
        """Ask the engine, beside the window, which presets it has; an engine that is not there is no news yet."""
        if self._question is not None:
            return
        try:
            engine = preferences.engine()
        except EngineError:
            return
        question = CallTask(tr("List geo-ovss presets"), lambda log, _cancelled: ask_presets(engine, log))
        question.ended.connect(self._show_presets)
        self._question = question
        QgsApplication.taskManager().addTask(question)

    def _show_presets(self) -> None:
        question, self._question = self._question, None
        if question is None or question.error is not None:
            return
        presets: list[Preset] = question.result
        preferences.write("presets", dump_presets(presets))
        self._dock.presets.set_presets(presets, self._dock.presets.preset() or preferences.read("preset"))

    def _remember(self) -> None:
        preferences.write("preset", self._dock.presets.preset())
        preferences.write("classes", format_classes(self._dock.classes.model.entries))

    def _recall_classes(self) -> None:
        try:
            self._dock.classes.model.set_entries(parse_classes(preferences.read("classes")))
        except EngineError as error:
            self._messages.problem(str(error))

    def stop(self) -> None:
        """The plugin goes: stop what runs, and hear no more of it."""
        for task in (self.task, self._question):
            if task is not None:
                task.ended.disconnect()
                task.cancel()
        self.task = self._question = None
