"""Files on the Hugging Face Hub, through its own client and in its own cache.

The client finds the file and lays out the cache. The bytes come through `geo_ovss.download`, because the client's
recent versions begin an interrupted download anew, and these files have gigabytes.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.utils import HfHubHTTPError, build_hf_headers

from geo_ovss.download import OnBytes, download
from geo_ovss.errors import ModelMissing, ModelRefused

SHA256 = re.compile(r"[0-9a-f]{64}")


def is_offline() -> bool:
    """Whether ``HF_HUB_OFFLINE`` is set, now or when the client was imported."""
    return constants.HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE", "0").upper() in ("1", "ON", "YES", "TRUE")


def cached(repo: str, file: str) -> Path | None:
    """Where the hub's cache has a file, or None."""
    found = try_to_load_from_cache(repo, file, cache_dir=constants.HF_HUB_CACHE)
    return Path(found) if isinstance(found, str) else None


def recorded_sha256(path: Path) -> str | None:
    """The hash that the hub gave for a file of its cache: large files are stored under it."""
    name = path.resolve().name
    return name if SHA256.fullmatch(name) else None


def fetch(repo: str, file: str, name: str, sha256: str | None = None, on_bytes: OnBytes | None = None) -> Path:
    """Download a file of the hub into its cache.

    Parameters
    ----------
    repo, file : str
    name : str
        What `geo-ovss models fetch` calls it, for error messages.
    sha256 : str or None
        Only where the hub gives none (it does for every large file).

    Raises
    ------
    ModelMissing, ModelRefused, ModelDamaged, DiskFull
    """
    url = hf_hub_url(repo, file, endpoint=constants.ENDPOINT)
    try:
        metadata = get_hf_file_metadata(url, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except HfHubHTTPError as error:
        code = getattr(error.response, "status_code", 0)
        if code >= 500 or code == 429:
            raise ModelMissing(f"{repo}/{file}", name, f"the hub answers {code}") from error
        raise ModelRefused(f"{repo}/{file}", code, f"https://huggingface.co/{repo}") from error
    except Exception as error:  # the client's transport, and so its errors, differ from version to version
        raise ModelMissing(f"{repo}/{file}", name, f"no connection to {constants.ENDPOINT}") from error
    if metadata.etag is None or metadata.commit_hash is None:
        raise ModelMissing(f"{repo}/{file}", name, f"{constants.ENDPOINT} is no Hugging Face Hub")
    published = metadata.etag if SHA256.fullmatch(metadata.etag) else sha256
    blobs = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="model") / "blobs"
    _drop_if_cut(blobs / metadata.etag, metadata.size)
    download(
        hf_hub_url(repo, file, revision=metadata.commit_hash, endpoint=constants.ENDPOINT), blobs / metadata.etag,
        name=name, size=metadata.size, sha256=published, headers=build_hf_headers(), on_bytes=on_bytes,
    )
    # finds the bytes in its cache, and files them under their name
    return Path(hf_hub_download(repo, file, cache_dir=constants.HF_HUB_CACHE, endpoint=constants.ENDPOINT))


def _drop_if_cut(blob: Path, size: int | None) -> None:
    """A blob of the wrong length is taken as the first part of the right one."""
    if blob.is_file() and size is not None and blob.stat().st_size != size:
        blob.replace(blob.with_name(blob.name + ".part"))
