"""Archives whose bytes depend on names and contents only: no times, owners, or order of a disk."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

Entry = tuple[PurePosixPath, Path]

FILE_MODE, PROGRAM_MODE = 0o644, 0o755
# 6 packs as well as 9 does here, to one part in a hundred, in half the time.
LEVEL = 6
# The earliest time that a zip can hold.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
UNIX = 3


def entries_below(folder: Path) -> list[Entry]:
    """Every file below a folder by its path within, in the order of the paths."""
    files = (path for path in folder.rglob("*") if path.is_file())
    found = [(PurePosixPath(path.relative_to(folder).as_posix()), path) for path in files]
    return sorted(found, key=lambda entry: entry[0].parts)


def write_tar_gz(target: Path, entries: Iterable[Entry]) -> None:
    """A .tar.gz that is whole when it is there: it is renamed from a neighbour at the end."""
    part = target.with_name(f"{target.name}.part")
    with (
        part.open("wb") as raw,
        # No name, no time: both would be in the header.
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=LEVEL) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for name, path in entries:
            info = tarfile.TarInfo(str(name))
            info.size = path.stat().st_size
            info.mode = PROGRAM_MODE if path.stat().st_mode & 0o100 else FILE_MODE
            with path.open("rb") as content:
                archive.addfile(info, content)
    part.replace(target)


def write_zip(target: Path, entries: Iterable[Entry]) -> None:
    """A .zip, whole when it is there, that Python imports from."""
    part = target.with_name(f"{target.name}.part")
    with zipfile.ZipFile(part, "w") as archive:
        for name, path in entries:
            info = zipfile.ZipInfo(str(name), ZIP_TIME)
            info.create_system = UNIX  # else the platform that writes it would show
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = FILE_MODE << 16
            archive.writestr(info, path.read_bytes(), compresslevel=LEVEL)
    part.replace(target)
