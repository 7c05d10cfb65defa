"""Archives that are unpacked, and those that would write elsewhere, grow without end or are damaged."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from logradar.core.errors import InputError
from logradar.sources.download.settings import UnpackLimits
from logradar.sources.download.unpacking import Unpacked, unpack

LINES = b"081109 203615 148 INFO dfs.DataNode: served blk_1\n" * 50
FILES = {"HDFS.log": LINES, "preprocessed/anomaly_label.csv": b"BlockId,Label\nblk_1,Normal\n", "README.md": b"hello\n"}
EVIL = [
    "../evil",
    "a/../../evil",
    "/evil",
    "..",
    "a/..",
    "C:/evil",
    "c:evil",
    "..\\evil",
    "a\\..\\..\\evil",
    "\\\\host\\evil",
]
NO_NAMES = ["a\x1b[2Jb", "a\nb", "x" * 300, "/".join("abcdefghijklmnopqrstuvwxyz"), "a\u202eb"]


def zipped(
    path: Path, files: dict[str, bytes], change: Callable[[zipfile.ZipInfo], object] = lambda info: None
) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo("x")
            info.filename, info.compress_type = name, zipfile.ZIP_DEFLATED
            change(info)
            archive.writestr(info, data)
    return path


def tarred(
    path: Path, files: dict[str, bytes], change: Callable[[tarfile.TarInfo], object] = lambda info: None
) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            change(info)
            archive.addfile(info, io.BytesIO(data))
    return path


PACK = {"a.zip": zipped, "a.tar.gz": tarred, "a.tgz": tarred}


def un(file: Path, *globs: str, **limits: int) -> Unpacked:
    return unpack(file, file.parent / "out", globs or ("*",), UnpackLimits(**limits))


def written(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def require_refused(file: Path, why: str, *globs: str, **limits: int) -> None:
    """Refused with a sentence, and nothing is there but what was there before."""
    before = sorted(path for path in file.parent.parent.rglob("*"))
    with pytest.raises(InputError, match=why):
        un(file, *globs, **limits)
    assert sorted(path for path in file.parent.parent.rglob("*")) == before


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.mark.parametrize("name", PACK)
def test_what_fits_is_unpacked(folder: Path, name: str):
    done = un(PACK[name](folder / name, FILES), "HDFS.log", "*label.csv", "no.such")
    assert written(folder / "out") == {key: FILES[key] for key in ("HDFS.log", "preprocessed/anomaly_label.csv")}
    assert (sorted(done.files), done.kept, done.unmatched) == (sorted(FILES)[:1] + sorted(FILES)[2:], 0, ["no.such"])
    assert sorted(path.name for path in folder.iterdir()) == sorted([name, "out"])


def test_a_file_that_is_only_compressed(folder: Path):
    with gzip.open(folder / "app.log.gz", "wb") as file:
        file.write(LINES)
    assert un(folder / "app.log.gz").files == ["app.log"]
    assert written(folder / "out") == {"app.log": LINES}


@pytest.mark.parametrize("name", PACK)
def test_what_is_there_is_kept_and_never_overwritten(folder: Path, name: str):
    file = PACK[name](folder / name, FILES)
    (folder / "out").mkdir()
    (folder / "out" / "HDFS.log").write_bytes(LINES)
    (folder / "out" / "mine.txt").write_bytes(b"mine")
    os.utime(folder / "out" / "HDFS.log", (1, 1))
    assert un(file).kept == 1
    assert (folder / "out" / "HDFS.log").stat().st_mtime == 1
    assert written(folder / "out") == {**FILES, "mine.txt": b"mine"}
    assert un(file).kept == 3
    for other in (LINES[:-1], LINES + b"x", b""):
        (folder / "out" / "HDFS.log").write_bytes(other)
        (folder / "out" / "README.md").unlink(missing_ok=True)
        require_refused(file, r"HDFS\.log' is there and is not the one of the archive; move it away")
        assert (folder / "out" / "HDFS.log").read_bytes() == other


def test_nothing_is_unpacked_through_a_link(folder: Path, tmp_path: Path):
    file = zipped(folder / "a.zip", FILES)
    (folder / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (folder / "out" / "preprocessed").symlink_to(tmp_path / "elsewhere")
    require_refused(file, "is a link")
    (folder / "out" / "preprocessed").unlink()
    (folder / "out" / "README.md").symlink_to(tmp_path / "nowhere")
    require_refused(file, "is there and is not")


def test_a_folder_that_is_a_link_is_filled(folder: Path, tmp_path: Path):
    (tmp_path / "disk").mkdir()
    (folder / "out").symlink_to(tmp_path / "disk")
    un(zipped(folder / "a.zip", FILES))
    assert written(tmp_path / "disk") == FILES


def test_a_file_in_the_place_of_the_folder(folder: Path):
    (folder / "out").write_text("x")
    require_refused(zipped(folder / "a.zip", FILES), "is no folder")


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("name", ["a.zip", "a.tgz"])
def test_a_member_outside_of_the_folder_is_refused(folder: Path, name: str, evil: str):
    """Wherever it stands, and whether it is wanted or not."""
    file = PACK[name](folder / name, {**FILES, evil: b"evil"})
    require_refused(file, "would lie outside of the folder")
    require_refused(file, "would lie outside of the folder", "HDFS.log")


@pytest.mark.parametrize("bad", NO_NAMES)
@pytest.mark.parametrize("name", ["a.zip", "a.tgz"])
def test_names_that_no_file_can_have(folder: Path, name: str, bad: str):
    require_refused(PACK[name](folder / name, {**FILES, bad: b"x"}), "has no name that a file can have")


def test_a_name_that_ends_at_a_zero_in_one_reader_only(folder: Path):
    file = zipped(folder / "a.zip", {"HDFS.logX../../evil": b"x"})
    file.write_bytes(file.read_bytes().replace(b"HDFS.logX../", b"HDFS.log\0../"))
    require_refused(file, "would lie outside|no name that a file")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z"]
)
def test_links_and_devices_in_a_tar(folder: Path, kind: bytes):
    def change(info: tarfile.TarInfo) -> None:
        if info.name == "link":
            info.type, info.linkname, info.size = kind, "/etc/passwd", 0

    file = tarred(folder / "a.tgz", {**FILES, "link": b""}, change)
    require_refused(file, "is a link, a device", "HDFS.log")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_in_a_zip(folder: Path, kind: int):
    def change(info: zipfile.ZipInfo) -> None:
        info.external_attr = (kind | 0o777) << 16 if info.filename == "link" else 0

    require_refused(zipped(folder / "a.zip", {**FILES, "link": b"/etc/passwd"}, change), "is a link or device")


@pytest.mark.parametrize("name", ["a.zip", "a.tgz"])
@pytest.mark.parametrize("twice", [["a", "a/b"], ["a/b", "a"], ["a/b", "a//b"], ["a/b", "./a/b"]])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(folder: Path, name: str, twice: list[str]):
    require_refused(PACK[name](folder / name, dict.fromkeys(twice, b"x")), "twice")


@pytest.mark.parametrize("name", ["a.zip", "a.tgz", "a.gz"])
def test_a_bomb_by_its_ratio(folder: Path, name: str):
    if name == "a.gz":
        (folder / name).write_bytes(gzip.compress(b"\0" * (40 << 20)))
    else:
        PACK[name](folder / name, {"a": b"\0" * (40 << 20)})
    assert (folder / name).stat().st_size < 100_000
    require_refused(folder / name, r"bytes unpack to more than 16,777,216")
    if name != "a.gz":
        PACK[name](folder / name, {"a": b"x", "b": b"\0" * (40 << 20)})
        require_refused(folder / name, r"bytes unpack to more than", "a")


@pytest.mark.parametrize("name", ["a.zip", "a.tgz"])
def test_too_many_bytes_and_members(folder: Path, name: str):
    file = PACK[name](folder / name, {f"f{number}": os.urandom(1000) for number in range(30)})
    require_refused(file, "unpack to more than 20,000", bytes=20_000)
    require_refused(file, "more than 29 members", members=29)
    assert len(un(file, bytes=80_000, members=30).files) == 30


def test_a_directory_of_a_zip_is_not_read_where_it_is_too_long(folder: Path):
    file = zipped(folder / "a.zip", {f"{number:0200}": b"" for number in range(5000)})
    require_refused(file, "more than 10 members", members=10)


def test_a_zip_that_says_less_than_it_holds(folder: Path):
    file = zipped(folder / "a.zip", {"a": b"\0" * 100_000})
    file.write_bytes(file.read_bytes().replace(struct.pack("<L", 100_000), struct.pack("<L", 10)))
    require_refused(file, "damaged")


def test_files_of_a_zip_that_share_their_bytes(folder: Path):
    """An overlapping bomb: each member is small, and all of them are the same bytes."""
    file = zipped(folder / "a.zip", {"a": b"\0" * (10 << 20)})
    data = file.read_bytes()
    begin = data.index(b"PK\1\2")
    end = data.index(b"PK\5\6")
    entries = [data[begin:end].replace(b"a", bytes([97 + number])) for number in range(8)]
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 8, 8, sum(map(len, entries)), begin, 0)
    file.write_bytes(data[:begin] + b"".join(entries) + tail)
    require_refused(file, "unpack to more than 16,777,216|damaged")


def test_a_zip_with_places_before_its_beginning(folder: Path):
    data = bytearray(zipped(folder / "a.zip", FILES).read_bytes())
    place = data.index(b"PK\5\6") + 16
    for more in (1, 40, 1 << 20):
        begin = struct.unpack_from("<L", data, place)[0]
        (folder / "a.zip").write_bytes(data[:place] + struct.pack("<L", begin + more) + data[place + 4 :])
        require_refused(folder / "a.zip", "damaged")


def test_an_encrypted_zip(folder: Path):
    file = zipped(folder / "a.zip", {"a": b"x"})
    data = bytearray(file.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    file.write_bytes(data)
    require_refused(file, "encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_methods_that_take_memory_as_they_like(folder: Path, method: int):
    def change(info: zipfile.ZipInfo) -> None:
        info.compress_type = method

    require_refused(zipped(folder / "a.zip", {"a": b"x"}, change), "not compressed by deflate")


def test_a_header_of_a_tar_that_is_longer_than_any_name(folder: Path):
    """`tarfile` reads such a header into memory, whatever length it says."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 12 << 20
    with gzip.open(folder / "a.tgz", "wb") as file:
        file.write(info.tobuf() + os.urandom(1 << 20) + b"0" * (11 << 20) + tarfile.TarInfo("a").tobuf() + b"\0" * 1024)
    require_refused(folder / "a.tgz", "a header is too long")


def test_a_thousand_headers_before_one_member(folder: Path):
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 11
    header = info.tobuf() + b"11 path=abc".ljust(512, b"\0")
    with gzip.open(folder / "a.tgz", "wb") as file:
        file.write(header * 1000 + tarfile.TarInfo("a").tobuf() + b"\0" * 1024)
    require_refused(folder / "a.tgz", "damaged")


@pytest.mark.parametrize("size", [-1, 1 << 62, 1 << 40])
def test_sizes_that_cannot_be(folder: Path, size: int):
    def change(info: tarfile.TarInfo) -> None:
        info.size = size

    with gzip.open(folder / "a.tgz", "wb") as file:
        info = tarfile.TarInfo("a")
        change(info)
        file.write(info.tobuf(tarfile.GNU_FORMAT) + b"x" * 512 + b"\0" * 1024)
    require_refused(folder / "a.tgz", "damaged|says that it has|unpack to more")
    require_refused(folder / "a.tgz", "damaged|says that it has|unpack to more", "b")


@pytest.mark.parametrize("name", ["a.zip", "a.tgz", "a.gz"])
def test_damage_anywhere_is_a_sentence(folder: Path, name: str):
    if name == "a.gz":
        (folder / name).write_bytes(gzip.compress(os.urandom(3000)))
    else:
        PACK[name](folder / name, {"a": os.urandom(3000), "b/c": LINES})
    good = (folder / name).read_bytes()
    for cut in range(0, len(good) - 1, 97):
        (folder / name).write_bytes(good[:cut])
        require_refused(folder / name, "is not unpacked|has no member")
    changed = 0
    for place in range(0, len(good), 61):
        (folder / name).write_bytes(good[:place] + bytes([good[place] ^ 255]) + good[place + 1 :])
        try:
            un(folder / name)
        except InputError:
            changed += 1
        else:
            subprocess.run(["rm", "-r", str(folder / "out")], check=True)
    assert changed > len(good) / 61 * 0.9  # the rest are times and modes, which are not used


def test_damage_between_the_members_of_a_tar_is_not_its_end(folder: Path):
    plain = bytearray(gzip.decompress(tarred(folder / "a.tgz", {"a": b"x", "b": b"y"}).read_bytes()))
    plain[1024] ^= 255
    (folder / "a.tgz").write_bytes(gzip.compress(plain))
    require_refused(folder / "a.tgz", "damaged")
    hidden = gzip.decompress(tarred(folder / "a.tgz", {"a": b"x"}).read_bytes()) + b"\0" * 20480 + b"more"
    (folder / "a.tgz").write_bytes(gzip.compress(hidden))
    require_refused(folder / "a.tgz", "something follows its end")


def test_no_member_fits(folder: Path):
    require_refused(zipped(folder / "a.zip", FILES), r"no member that fits \*\.nothing", "*.nothing")


def test_what_a_killed_call_left_is_removed(folder: Path):
    stale = folder / ".out-unpacking-00000000.part"
    stale.mkdir()
    (stale / "HDFS.log").write_bytes(LINES)
    un(zipped(folder / "a.zip", FILES))
    assert not stale.exists()


def test_a_full_disk_leaves_no_half_folder(folder: Path):
    """A limit on the size of files stands for the full disk."""
    file = zipped(folder / "a.zip", {"a": b"x", "b": os.urandom(100_000)})
    code = (
        "import resource, sys; from pathlib import Path; from tests.sources.download.test_unpacking import un; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000)); un(Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True)
    assert "File too large" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["a.zip"]


def test_memory_does_not_grow_with_the_archive(folder: Path):
    file = folder / "a.tgz"
    info = tarfile.TarInfo("a")
    info.size = 40 << 20
    with tarfile.open(file, "w:gz", compresslevel=0) as archive:
        archive.addfile(info, io.BytesIO(b"x" * info.size))
    code = (
        "import resource, sys; from pathlib import Path; from tests.sources.download.test_unpacking import un; "
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; un(Path(sys.argv[1])); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20_000  # KiB
