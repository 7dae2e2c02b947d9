"""A number that may be left to the preset."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtWidgets import QDoubleSpinBox

from ..translation import tr


class OptionSpin(QDoubleSpinBox):
    """A spin box whose lowest value means "leave it to the engine".

    Parameters
    ----------
    smallest, largest, step : float
        Range of real values, and what a key press moves by.
    decimals : int
        Digits after the point.
    suffix : str
        Unit, with a blank before it.
    unset : str
        What the box shows while nothing is chosen.
    """

    def __init__(
        self,
        smallest: float,
        largest: float,
        step: float,
        decimals: int,
        suffix: str,
        unset: str = "",
        parent: Any = None,
    ) -> None:
        super().__init__(parent)
        self.setDecimals(decimals)
        self.setRange(smallest - step, largest)
        self.setSingleStep(step)
        self.setSuffix(suffix)
        self.setSpecialValueText(unset or tr("as the preset"))
        self.clear_choice()

    def choice(self) -> float | None:
        """The value, or None while it is left to the engine."""
        return None if self.value() <= self.minimum() else self.value()

    def clear_choice(self) -> None:
        """Leave it to the engine."""
        self.setValue(self.minimum())
