"""Fetching weights from a server on the loopback address: whole, cut, wrong, refused, and without a network."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from file_server import FileServer, serving
from huggingface_hub import constants

from geo_ovss import models
from geo_ovss.download import download, file_sha256
from geo_ovss.errors import DiskFull, ModelDamaged, ModelMissing, ModelRefused, OutputNotWritable
from geo_ovss.models import Weights, obtain, status, verify

DATA = os.urandom(3_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A server with one file by address, and the same one as a hub's repository has it."""
    with serving(FileServer({"/sam.pth": DATA, "/someone/model/resolve/main/model.pt": DATA})) as running:
        yield running


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: FileServer) -> Path:
    """The libraries' caches in a temporary folder, the hub's client pointed at the loopback server, no mirror."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "ENDPOINT", server.address)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE",
                        server.address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for name in ("HF_HUB_OFFLINE", models.MIRROR):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def by_url(server: FileServer, **changes: object) -> Weights:
    """A catalogue entry of a file with an address."""
    entry = Weights("test-sam", "sam", "vit_b", url=server.address + "/sam.pth", file="sam.pth", size=len(DATA),
                    sha256=SHA256)
    return replace(entry, **changes)


BY_REPO = Weights("test-clip", "clip", "ViT-B-32", repo="someone/model", file="model.pt")


def test_a_whole_file(server: FileServer, caches: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = obtain(by_url(server), on_bytes=lambda done, total: seen.append((done, total)))
    assert path == caches / "torch" / "hub" / "checkpoints" / "sam.pth"
    assert path.read_bytes() == DATA
    assert seen[-1] == (len(DATA), len(DATA))
    assert [p.name for p in path.parent.iterdir()] == ["sam.pth"]
    assert status(by_url(server)).state == "whole"
    assert obtain(by_url(server)) == path and len(server.asked) == 1


def test_a_cut_connection_goes_on_where_it_broke(server: FileServer, caches: Path) -> None:
    server.cut_after = [1_000_000, 500_000]
    assert obtain(by_url(server)).read_bytes() == DATA
    assert server.ranges_asked() == [None, "bytes=1000000-", "bytes=1500000-"]


def test_an_interrupted_call_is_gone_on_with(server: FileServer, tmp_path: Path) -> None:
    class InterruptedError(Exception):
        pass

    def stop(done: int, _total: int | None) -> None:
        if done >= 1 << 20:
            raise InterruptedError

    target = tmp_path / "file.pth"
    with pytest.raises(InterruptedError):
        download(server.address + "/sam.pth", target, name="x", sha256=SHA256, on_bytes=stop)
    kept = (tmp_path / "file.pth.part").stat().st_size
    assert not target.exists() and 0 < kept < len(DATA)
    download(server.address + "/sam.pth", target, name="x", sha256=SHA256)
    assert target.read_bytes() == DATA
    assert server.ranges_asked() == [None, f"bytes={kept}-"]


def test_a_server_that_cannot_go_on_begins_anew(server: FileServer, tmp_path: Path) -> None:
    server.ranges, server.cut_after = False, [100_000]
    target = download(server.address + "/sam.pth", tmp_path / "f", name="x", sha256=SHA256, pause_seconds=0)
    assert target.read_bytes() == DATA


def test_a_part_of_another_longer_file_is_dropped(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(DATA + b"more")
    assert download(server.address + "/sam.pth", tmp_path / "f", name="x", sha256=SHA256).read_bytes() == DATA


def test_a_server_that_always_breaks_is_given_up_and_the_part_kept(server: FileServer, tmp_path: Path) -> None:
    server.cut_after = [1000, 0, 0, 0, 0, 0, 0]
    with pytest.raises(ModelMissing, match="the connection broke"):
        download(server.address + "/sam.pth", tmp_path / "f", name="x", size=len(DATA), pause_seconds=0)
    assert not (tmp_path / "f").exists()
    assert (tmp_path / "f.part").read_bytes() == DATA[:1000]


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"size": len(DATA) - 1, "sha256": None}])
def test_a_wrong_file_is_refused_and_leaves_nothing(server: FileServer, caches: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(ModelDamaged):
        obtain(by_url(server, **wrong))
    assert list((caches / "torch").rglob("sam.pth*")) == []


@pytest.mark.parametrize(("code", "words"), [(403, "licence"), (404, "no such file"), (401, "account")])
def test_a_refusal_is_one_sentence(server: FileServer, caches: Path, code: int, words: str) -> None:
    server.status["/sam.pth"] = code
    with pytest.raises(ModelRefused, match=f"{code} .*{words}") as caught:
        obtain(by_url(server))
    assert "\n" not in str(caught.value) and len(server.asked) == 1
    assert list((caches / "torch").rglob("sam.pth*")) == []


def test_a_busy_server_is_asked_again(server: FileServer, tmp_path: Path) -> None:
    server.status["/sam.pth"] = 503
    with pytest.raises(ModelMissing, match="503"):
        download(server.address + "/sam.pth", tmp_path / "f", name="x", pause_seconds=0)
    assert len(server.asked) == 5


def test_no_network(tmp_path: Path, caches: Path, server: FileServer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"  # bound, but nobody listens
        with pytest.raises(ModelMissing, match="no connection") as caught:
            download(nowhere + "/sam.pth", tmp_path / "f", name="test-sam", pause_seconds=0)
    text = str(caught.value)
    assert "sam.pth" in text and "geo-ovss models fetch test-sam" in text and "preset mini" in text


def test_no_network_to_the_hub(caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
        monkeypatch.setattr(constants, "ENDPOINT", nowhere)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE",
                            nowhere + "/{repo_id}/resolve/{revision}/{filename}")
        with pytest.raises(ModelMissing, match=r"someone/model/model.pt .*no connection"):
            obtain(BY_REPO)


def test_offline_asks_nobody(server: FileServer, caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelMissing, match="offline"):
        obtain(by_url(server), offline=True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelMissing, match="offline"):
        obtain(BY_REPO)
    assert server.asked == []


def test_from_the_hub_into_its_own_cache(server: FileServer, caches: Path) -> None:
    path = obtain(BY_REPO)
    assert path.read_bytes() == DATA
    assert path.resolve() == caches / "hub" / "models--someone--model" / "blobs" / SHA256
    asked = len(server.asked)
    assert obtain(BY_REPO) == path and len(server.asked) == asked
    assert not list((caches / "hub").rglob("*.part"))


def test_from_the_hub_cut_and_resumed(server: FileServer, caches: Path) -> None:
    server.cut_after = [1_234_567]
    assert obtain(BY_REPO).read_bytes() == DATA
    assert server.ranges_asked()[:2] == [None, "bytes=1234567-"]


def test_from_the_hub_with_a_wrong_hash(server: FileServer, caches: Path) -> None:
    server.claimed_sha256 = "ab" * 32
    with pytest.raises(ModelDamaged, match="SHA-256"):
        obtain(BY_REPO)
    assert models.locate(BY_REPO) is None
    assert [p for p in (caches / "hub").rglob("*") if p.is_file() and p.stat().st_size == len(DATA)] == []


@pytest.mark.parametrize("code", [401, 403, 404])
def test_the_hub_refuses(server: FileServer, caches: Path, code: int) -> None:
    server.status["/someone/model/resolve/main/model.pt"] = code
    with pytest.raises(ModelRefused, match=str(code)):
        obtain(BY_REPO)


def test_a_token_does_not_follow_a_redirection(server: FileServer, tmp_path: Path) -> None:
    server.redirects["/gated.pth"] = server.address.replace("127.0.0.1", "localhost") + "/sam.pth"
    download(server.address + "/gated.pth", tmp_path / "f", name="x", headers={"Authorization": "Bearer secret"})
    (_, _, first), (_, _, second) = server.asked
    assert first["authorization"] == "Bearer secret"
    assert "authorization" not in second
    assert (tmp_path / "f").read_bytes() == DATA


def test_the_mirror_is_looked_in_first(server: FileServer, caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = caches / "mirror"
    (mirror / "someone" / "model").mkdir(parents=True)
    monkeypatch.setenv(models.MIRROR, str(mirror))
    (mirror / "someone" / "model" / "model.pt").write_bytes(b"mirrored")
    (mirror / "test-sam.pth").write_bytes(DATA)
    assert obtain(BY_REPO).read_bytes() == b"mirrored"
    assert obtain(by_url(server)) == mirror / "test-sam.pth"
    assert server.asked == []


def test_verify(server: FileServer, caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = by_url(server)
    monkeypatch.setattr(models, "catalogue", lambda: {"test-sam": entry, "test-clip": BY_REPO})
    assert verify("test-sam").ok is False and verify("test-sam").path is None
    path = obtain(entry)
    assert verify("test-sam").ok is True
    path.write_bytes(DATA[:-1] + bytes([DATA[-1] ^ 1]))
    assert verify("test-sam").ok is False and "differs" in verify("test-sam").detail
    path.write_bytes(DATA[:-1])
    assert verify("test-sam").ok is False and "cut" in verify("test-sam").detail
    assert obtain(entry).read_bytes() == DATA  # the rest of it is fetched
    assert server.ranges_asked()[-1] == f"bytes={len(DATA) - 1}-"
    obtain(BY_REPO)
    assert verify("test-clip").ok is True  # by the hash under which the hub's cache keeps it


def test_a_cache_that_cannot_be_written(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(OutputNotWritable):
        download(server.address + "/sam.pth", tmp_path / "cache" / "f", name="x")


def test_a_full_disk_keeps_what_came(server: FileServer, tmp_path: Path) -> None:
    import resource
    import signal

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
    try:
        with pytest.raises(DiskFull):
            download(server.address + "/sam.pth", tmp_path / "f", name="x", sha256=SHA256, pause_seconds=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert (tmp_path / "f.part").exists()
    assert file_sha256(download(server.address + "/sam.pth", tmp_path / "f", name="x", sha256=SHA256)) == SHA256
