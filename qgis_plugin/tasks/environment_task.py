"""Making the plugin's own environment."""

from __future__ import annotations

from ..engine.install_options import InstallOptions
from ..engine.own_environment import OwnEnvironment
from ..translation import tr
from .engine_task import EngineTask


class EnvironmentTask(EngineTask):
    """Makes an environment with the engine in it; `result` is its interpreter."""

    def __init__(self, environment: OwnEnvironment, base_python: str, options: InstallOptions) -> None:
        super().__init__(tr("Install the geo-ovss engine"))
        self._environment, self._base_python, self._options = environment, base_python, options

    def work(self) -> str:
        return self._environment.make(self._base_python, self._options, self.log, self._step, self.isCanceled)

    def _step(self, number: int, steps: int, text: str) -> None:
        self.setProgress(100.0 * number / steps)
        self.log.add(text)
        self.spoke.emit(text)
