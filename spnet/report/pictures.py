"""Pictures inside a page: encoded small, as addresses that need no network."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path

from PIL import Image

from spnet.analysis.preparation import AGAIN as PREPARE_AGAIN
from spnet.errors import DataError
from spnet.report.document import AGAIN

# A figure this wide is sharp on a usual screen; one larger than this as PNG is a photograph, better as JPEG.
_FIGURE_WIDTH, _LARGEST_PNG, _FIGURE_QUALITY = 1500, 900_000, 85
_SMALL_WIDTH, _SMALL_QUALITY = 480, 70


def small_picture(path: str | Path) -> str:
    """A subject's QC picture."""
    picture = _read(path, "the QC picture is missing or damaged", PREPARE_AGAIN)
    picture.thumbnail((_SMALL_WIDTH, 4 * _SMALL_WIDTH))
    return _jpeg(picture, _SMALL_QUALITY)


def figure_picture(path: str | Path) -> str:
    """A figure, as PNG if that is small."""
    picture = _read(path, "the figure is missing or damaged", AGAIN)
    if picture.width > _FIGURE_WIDTH:
        size = (_FIGURE_WIDTH, round(picture.height * _FIGURE_WIDTH / picture.width))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    buffer = BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    if buffer.tell() <= _LARGEST_PNG:
        return data_url("image/png", buffer.getvalue())
    return _jpeg(picture, _FIGURE_QUALITY)


def data_url(media_type: str, content: bytes) -> str:
    """A file's content as an address that needs no network."""
    return f"data:{media_type};base64,{b64encode(content).decode()}"


def _read(path: str | Path, missing: str, remedy: str) -> Image.Image:
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except OSError as error:
        raise DataError(missing, path=path, remedy=remedy) from error


def _jpeg(picture: Image.Image, quality: int) -> str:
    buffer = BytesIO()
    # Full colour resolution, or thin coloured borders fade.
    picture.save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True)
    return data_url("image/jpeg", buffer.getvalue())
