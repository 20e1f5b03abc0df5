"""Pictures: that they decode, how large they are, a thumbnail and a blurhash. Pillow does the work.

Only formats of the list are ever tried: the decoders of rare formats are where the surprises live.
"""

from __future__ import annotations

import io
import warnings
from typing import Any, BinaryIO

import blurhash
from PIL import Image, ImageOps

from trunkline.base.errors import Code, TrunklineError
from trunkline.media.inspect.jobs import Limits
from trunkline.services.files.ports import Inspection, Variant

FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/bmp": "BMP",
}
_MIMES = {name: mime for mime, name in FORMATS.items()}
_THUMBNAIL_QUALITY = 70
_BLUR_PX = 32
_ORIENTATION = 0x0112
_FIRST_SIDEWAYS = 5
"""EXIF orientations from here on exchange width and height."""


def describe(file: BinaryIO, found: Inspection, limits: Limits) -> None:
    """Add what a picture shows.

    Raises:
        TrunklineError: ``FILE_UNREADABLE`` or ``FILE_TYPE_MISMATCH``.
    """
    picture, mime, size = _open(file, limits)
    if mime != found.mime:
        raise TrunklineError(
            Code.FILE_TYPE_MISMATCH, f"The content was claimed to be {found.mime}; it is {mime}.", field="mime"
        )
    found.width, found.height = reversed(size) if picture.getexif().get(_ORIENTATION, 1) >= _FIRST_SIDEWAYS else size
    add_picture(picture, found, limits, "thumbnail")


def _open(file: BinaryIO, limits: Limits) -> tuple[Image.Image, str, tuple[int, int]]:
    """A decoded picture (a JPEG perhaps smaller than it is), its type and its size."""
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            picture = Image.open(file, formats=list(FORMATS.values()))
            size = picture.size
            check_pixels(*size, limits)
            mime = _MIMES.get(picture.format or "", "")
            # A JPEG can be decoded at a fraction of its size.
            picture.draft("RGB", (2 * limits.thumbnail_px, 2 * limits.thumbnail_px))
            picture.load()
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise unreadable(f"The picture has more than {limits.max_pixels} pixels.") from error
        except TrunklineError:
            raise
        except Exception as error:
            # Decoders raise nearly anything on a crafted file: SyntaxError, struct.error, IndexError, ...
            raise unreadable("The picture is damaged.") from error
    return picture, mime, size


def add_picture(picture: Image.Image, found: Inspection, limits: Limits, variant: str) -> None:
    """Make the small picture and the blurhash."""
    turned = ImageOps.exif_transpose(picture)
    small = turned.convert("RGBA" if _has_alpha(turned) else "RGB")
    small.thumbnail((limits.thumbnail_px, limits.thumbnail_px), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    if small.mode == "RGBA":
        small.save(data, "WEBP", quality=_THUMBNAIL_QUALITY, method=2)
        mime = "image/webp"
    else:
        small.save(data, "JPEG", quality=_THUMBNAIL_QUALITY, optimize=True)
        mime = "image/jpeg"
    found.variants.append(Variant(variant, mime, small.width, small.height, data.getvalue()))
    found.blurhash = _blurhash(small)


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Refuse what would need too much memory once decoded.

    Raises:
        TrunklineError: ``FILE_UNREADABLE``.
    """
    if width < 1 or height < 1:
        raise unreadable("The picture has no size.")
    if width * height > limits.max_pixels:
        raise unreadable(f"The picture has {width} x {height} pixels; at most {limits.max_pixels} are accepted.")


def unreadable(detail: str) -> TrunklineError:
    """The refusal of a content that cannot be read."""
    return TrunklineError(Code.FILE_UNREADABLE, detail)


def _has_alpha(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info


def _blurhash(small: Image.Image) -> str:
    tiny = small.convert("RGB")
    tiny.thumbnail((_BLUR_PX, _BLUR_PX))
    data = tiny.tobytes()
    width, height = tiny.size
    rows: list[list[Any]] = [
        [tuple(data[(y * width + x) * 3 : (y * width + x) * 3 + 3]) for x in range(width)] for y in range(height)
    ]
    across, down = (4, 3) if width >= height else (3, 4)
    return str(blurhash.encode(rows, components_x=across, components_y=down))
