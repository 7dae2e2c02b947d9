"""How packages get into the plugin's own environment: index, proxy, wheel folder, CPU or CUDA."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

TORCH_BUILDS = {
    "index": "",
    "cpu": "https://download.pytorch.org/whl/cpu",
    "cuda": "https://download.pytorch.org/whl/cu126",
}
"""Further index for each kind of PyTorch. "index" takes what pip's own index has. The further ones carry a local
version ("+cpu"), which pip prefers among equals; everything else still comes from pip's own index."""

ENGINE_REQUIREMENT = "geo-ovss>=0.1,<0.2"
"""The engine that this plugin speaks with."""

PIP = ("-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--prefer-binary", "--timeout", "60")


@dataclass(frozen=True)
class InstallOptions:
    """What the user chose on the settings page.

    Attributes
    ----------
    build : str
        A key of `TORCH_BUILDS`.
    index : str
        Address of a package index in place of pip's own; empty leaves pip's configuration alone.
    proxy : str
        Address of a proxy; empty leaves the environment's alone.
    wheels : str
        Folder of wheels: nothing is downloaded then.
    requirement : str
        What is installed.
    """

    build: str = "cpu"
    index: str = ""
    proxy: str = ""
    wheels: str = ""
    requirement: str = ENGINE_REQUIREMENT

    def pip_arguments(self) -> list[str]:
        """Arguments for the environment's interpreter."""
        return [*PIP, *self._sources(), "--", self.requirement]

    def _sources(self) -> list[str]:
        if self.wheels:
            return ["--no-index", "--find-links", self.wheels]
        further = TORCH_BUILDS[self.build]
        return [
            *(["--index-url", self.index] if self.index else []),
            *(["--extra-index-url", further] if further else []),
        ]

    def environment(self, child: Mapping[str, str]) -> dict[str, str]:
        """The child's environment with the proxy, and with pip held inside virtual environments.

        The proxy goes by the environment, not by an argument: arguments are seen by every user of the computer.
        """
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), self.proxy)
        return {**child, **(proxies if self.proxy else {}), "PIP_REQUIRE_VIRTUALENV": "1"}


def proxy_of_environment() -> str:
    """The proxy that the environment names, if any."""
    return os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy") or ""
