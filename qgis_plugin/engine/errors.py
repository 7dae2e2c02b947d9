"""What can go wrong between QGIS and the engine, each as one sentence for the message bar."""

from __future__ import annotations

from .texts import tr


class EngineError(Exception):
    """The base: ``str(error)`` is the sentence that the user reads."""


class EngineNotSet(EngineError):
    """No interpreter was chosen, and no environment was set up."""

    def __init__(self) -> None:
        super().__init__(
            tr("The geo-ovss engine is not set up yet: open the geo-ovss settings and choose or install it.")
        )


class EngineNotStarted(EngineError):
    """The interpreter is not there, or the system refuses to run it."""

    def __init__(self, program: str) -> None:
        sentence = tr("The engine's interpreter {} cannot be started; choose or repair it in the settings.")
        super().__init__(sentence.format(program))


class EngineUnusable(EngineError):
    """The interpreter runs, but does not answer as a geo-ovss of a version that this plugin speaks with."""


class EngineFailed(EngineError):
    """The engine ended with an error; the sentence is its own wherever it gave one."""


class EngineCancelled(EngineError):
    """The user stopped the run."""

    def __init__(self) -> None:
        super().__init__(tr("The run was cancelled."))


class ClassFileError(EngineError):
    """A class file has a line that cannot be read."""


class EnvironmentRefused(EngineError):
    """An environment cannot be made in this place, or with this interpreter."""
