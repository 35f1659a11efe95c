import gzip
import io
import os
import resource
import shutil
import stat
import tarfile
import zipfile

import numpy as np
import pytest

from spnet.data.archives import unpack
from spnet.errors import DataError

NOISE = np.random.default_rng(0).bytes(200_000)
FILES = {"scans/01/image.nii": NOISE, "scans/01/labels.nii": NOISE[:5000], "scans/02/image.nii": NOISE[::-1]}
LISTING = b"who is who"


def tar(path, files, mode="w", links=()):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
        for name, kind, to in links:
            header = tarfile.TarInfo(name)
            header.type, header.linkname = kind, to
            archive.addfile(header)
    return path


def tgz(path, files, links=()):
    return tar(path, files, "w:gz", links)


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


KINDS = {"a.tar": tar, "a.tar.gz": tgz, "a.tgz": tgz, "a.zip": zipped, "gzipped.tar": tgz, "nameless": zipped}
CONTENTS = {name: KINDS[name] for name in ("a.tar", "a.tar.gz", "a.zip")}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data" / "raw"


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refuse(archive, folder, message):
    """It fails, names the archive, and leaves everything as it was."""
    before = sorted(folder.parents[1].rglob("*"))
    with pytest.raises(DataError, match=message) as caught:
        unpack(archive, folder)
    assert str(archive) in str(caught.value)
    assert sorted(folder.parents[1].rglob("*")) == before


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_is_told_by_its_content_and_unpacked_whole(name, tmp_path, folder):
    archive = KINDS[name](tmp_path / name, {**FILES, "participants.tsv": LISTING})
    assert unpack(archive, folder) == [folder / "participants.tsv", folder / "scans"]
    assert files_of(folder) == {**FILES, "participants.tsv": LISTING}


@pytest.mark.parametrize("name", CONTENTS)
def test_the_junk_of_macos_is_left_out(name, tmp_path, folder):
    junk = {"__MACOSX/scans/._image.nii": b"", "scans/.DS_Store": b"x", "scans/01/._image.nii": b"x"}
    assert unpack(CONTENTS[name](tmp_path / name, {**junk, **FILES}), folder) == [folder / "scans"]
    assert files_of(folder) == FILES


@pytest.mark.parametrize("name", CONTENTS)
def test_what_is_there_is_merged_file_by_file(name, tmp_path, folder):
    kept, ours = (folder / "scans" / "01" / name for name in ("labels.nii", "notes.txt"))
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"?" * 5000)
    os.utime(kept, (1, 1))
    ours.write_bytes(b"ours")
    unpack(CONTENTS[name](tmp_path / name, FILES), folder)
    expected = {**FILES, "scans/01/labels.nii": b"?" * 5000, "scans/01/notes.txt": b"ours"}
    assert files_of(folder) == expected
    assert kept.stat().st_mtime == 1


@pytest.mark.parametrize("name", CONTENTS)
def test_a_scan_that_its_owner_has_mended_is_not_replaced(name, tmp_path, folder):
    mended = folder / "scans" / "01" / "image.nii"
    mended.parent.mkdir(parents=True)
    mended.write_bytes(b"mended")
    with pytest.raises(DataError, match=r"another file than the one that is there, .*image\.nii") as caught:
        unpack(CONTENTS[name](tmp_path / name, FILES), folder)
    assert caught.value.remedy
    assert files_of(folder) == {"scans/01/image.nii": b"mended"}


def test_unpacking_twice_changes_nothing(tmp_path, folder):
    links = [("scans/latest", tarfile.SYMTYPE, "02"), ("scans/same.nii", tarfile.LNKTYPE, "scans/02/image.nii")]
    archive = tgz(tmp_path / "a.tgz", FILES, links)
    for _ in range(2):
        assert unpack(archive, folder) == [folder / "scans"]
        assert os.readlink(folder / "scans" / "latest") == "02"
        assert (folder / "scans" / "same.nii").read_bytes() == NOISE[::-1]
        assert sorted(os.listdir(folder)) == ["scans"]


def test_a_link_to_a_larger_disk_is_followed_and_stays(tmp_path, folder):
    folder.mkdir(parents=True)
    (tmp_path / "disk").mkdir()
    (folder / "scans").symlink_to(tmp_path / "disk")
    unpack(tar(tmp_path / "a.tar", FILES), folder)
    assert (folder / "scans").is_symlink()
    assert (tmp_path / "disk" / "01" / "image.nii").read_bytes() == NOISE


def test_what_a_killed_run_left_is_removed(tmp_path, folder):
    (folder / ".partial-a.tar").mkdir(parents=True)
    (folder / ".partial-a.tar" / "half").write_bytes(b"half")
    assert unpack(tar(tmp_path / "a.tar", FILES), folder) == [folder / "scans"]
    assert files_of(folder) == FILES


def test_read_only_members_can_be_written_and_removed_afterwards(tmp_path, folder):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        header = tarfile.TarInfo("scans")
        header.type, header.mode = tarfile.DIRTYPE, 0o555
        archive.addfile(header)
        header = tarfile.TarInfo("scans/image.nii")
        header.size, header.mode = 5, 0o444
        archive.addfile(header, io.BytesIO(b"image"))
    unpack(tmp_path / "a.tar", folder)
    assert (folder / "scans").stat().st_mode & stat.S_IWUSR
    assert (folder / "scans" / "image.nii").stat().st_mode & stat.S_IWUSR


def test_backslashes_of_windows_become_folders(tmp_path, folder):
    unpack(zipped(tmp_path / "a.zip", {"scans\\01\\image.nii": b"image"}), folder)
    assert files_of(folder) == {"scans/01/image.nii": b"image"}


def test_an_archive_that_is_not_there_is_named(tmp_path, folder):
    refuse(tmp_path / "a.zip", folder, "there is no such archive")


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
def test_a_truncated_archive_leaves_nothing(name, share, tmp_path, folder):
    archive = CONTENTS[name](tmp_path / name, FILES)
    with archive.open("r+b") as file:
        file.truncate(int(archive.stat().st_size * share))
    refuse(archive, folder, "this archive is truncated or damaged")


def test_a_tar_cut_between_two_members_is_truncated(tmp_path, folder):
    archive = tar(tmp_path / "a.tar", FILES)
    with tarfile.open(archive) as opened:
        cut = opened.getmembers()[2].offset
    with archive.open("r+b") as file:
        file.truncate(cut)
    refuse(archive, folder, "truncated or damaged .*without an end mark")


def test_a_tar_with_a_broken_header_is_damaged(tmp_path, folder):
    archive = tar(tmp_path / "a.tar", FILES)
    with tarfile.open(archive) as opened:
        broken = opened.getmembers()[2].offset
    with archive.open("r+b") as file:
        file.seek(broken)
        file.write(b"\xff" * 300)
    refuse(archive, folder, "truncated or damaged")


def test_a_gzipped_tar_without_end_mark_is_whole(tmp_path, folder):
    content = tar(tmp_path / "a.tar", {"image.nii": b"x" * 512}).read_bytes()[:1024]
    (tmp_path / "a.tgz").write_bytes(gzip.compress(content))
    assert unpack(tmp_path / "a.tgz", folder) == [folder / "image.nii"]


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
def test_a_changed_byte_is_found_by_the_archives_own_sums(name, tmp_path, folder):
    archive = CONTENTS[name](tmp_path / name, {"image.nii": NOISE})
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)
    refuse(archive, folder, "truncated or damaged .*CRC")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n<!DOCTYPE html>\n<html><body>Please log in</body></html>" + b" " * 600, "a web page saved under"),
        (NOISE, "not a tar, tar.gz or zip archive"),
        (b"", "this file is empty"),
        (gzip.compress(NOISE), "gzipped but holds no tar"),
        (bytes(20_000), "this archive is empty"),
    ],
    ids=["login page", "noise", "nothing", "gzipped noise", "zeros"],
)
def test_a_file_that_is_no_archive_is_told(content, message, tmp_path, folder):
    (tmp_path / "a.tar.gz").write_bytes(content)
    refuse(tmp_path / "a.tar.gz", folder, message)


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("member", ["../escaped", "scans/../../../escaped", "/tmp/escaped-from-spnet"])
def test_a_name_that_leads_outside_is_refused(name, member, tmp_path, folder):
    refuse(CONTENTS[name](tmp_path / name, {**FILES, member: b"x"}), folder, f"the member '{member}' .* leads outside")
    assert not os.path.exists("/tmp/escaped-from-spnet")


@pytest.mark.parametrize(
    ("kind", "to"),
    [(tarfile.SYMTYPE, "../../.."), (tarfile.SYMTYPE, "/etc"), (tarfile.LNKTYPE, "../b"), (tarfile.CHRTYPE, "")],
    ids=["relative link", "absolute link", "hard link", "device"],
)
def test_links_that_lead_outside_and_devices_are_refused(kind, to, tmp_path, folder):
    archive = tar(tmp_path / "a.tar", FILES, links=[("scans/odd", kind, to)])
    refuse(archive, folder, "the member 'scans/odd' is a device, a link or a path")


def test_a_link_in_a_zip_is_refused(tmp_path, folder):
    member = zipfile.ZipInfo("scans/odd")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    refuse(zipped(tmp_path / "a.zip", {**FILES, member: b"/etc"}), folder, "the member 'scans/odd' is a device, a link")


def test_an_encrypted_zip_is_told(tmp_path, folder):
    archive = zipped(tmp_path / "a.zip", {"image.nii": b"x"})
    content = bytearray(archive.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    refuse(archive, folder, r"'image\.nii' cannot be unpacked here .*encrypted.*by hand")


@pytest.mark.parametrize("name", CONTENTS)
def test_a_full_disk_is_told_and_leaves_nothing(name, tmp_path, folder):
    archive = CONTENTS[name](tmp_path / name, FILES)
    # A limit on file size fails in the middle of a real write, as a full disk does.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        refuse(archive, folder, r"no space left to unpack this archive into .*raw \(\d+ MB free\)")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", CONTENTS)
def test_a_folder_in_the_place_of_a_file_is_told_before_anything_moves(name, tmp_path, folder):
    (folder / "scans" / "02" / "image.nii").mkdir(parents=True)
    refuse(CONTENTS[name](tmp_path / name, FILES), folder, "holds a file where there is a folder at .*02/image.nii")
    shutil.rmtree(folder / "scans" / "02")
    (folder / "scans" / "02").write_bytes(b"file")
    refuse(tmp_path / name, folder, "holds a folder where there is a file at .*scans/02")


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    archive = tar(tmp_path / "a.tar", FILES)
    (tmp_path / "data").write_bytes(b"in the way")
    refuse(archive, tmp_path / "data" / "raw", "could not unpack .*write to the folder")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_to_write_is_told(tmp_path, folder):
    archive = tar(tmp_path / "a.tar", FILES)
    folder.mkdir(parents=True)
    folder.chmod(0o555)
    refuse(archive, folder, "could not unpack .*Permission denied.*write to the folder")
    folder.chmod(0o755)
