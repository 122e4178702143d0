"""Frames in a zip of class folders of images: the container that users bring, too.

The folders sort in class order, and a file's name says which track and which
step of the episode it comes from.
"""

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from environment import CLASSES

# The oldest date a zip can hold; a real one would change the bytes every time.
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
# Within 3 % of the smallest lossless WebP (quality 100, method 6), 40 times faster.
WEBP = dict(format="WEBP", lossless=True, quality=100, method=3, exact=True)
ENTRY = re.compile(r"(\d)-\w+/track-(\d{5})_step-(\d{4})\.webp")


@dataclass(frozen=True)
class Frame:
    track: int
    step: int
    label: int
    image: bytes

    @property
    def entry(self):
        folder = f"{self.label}-{CLASSES[self.label]}"
        return f"{folder}/track-{self.track:05}_step-{self.step:04}.webp"


def encode(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, **WEBP)
    image = buffer.getvalue()
    assert np.array_equal(decode(image), pixels), "WebP was not lossless"
    return image


def decode(image):
    return np.array(Image.open(io.BytesIO(image)).convert("RGB"))


def write(path, frames):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for frame in sorted(frames, key=lambda frame: frame.entry):
            archive.writestr(zipfile.ZipInfo(frame.entry, FIXED_DATE), frame.image)


def read(paths):
    """Pixels (N,H,W,C uint8), labels, tracks and paths of the frames in some archives, in order."""
    pixels, labels, tracks, entries = [], [], [], []
    for path in [paths] if isinstance(paths, (str, Path)) else paths:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.namelist():
                label, track, _ = map(int, ENTRY.fullmatch(entry).groups())
                pixels.append(decode(archive.read(entry)))
                labels.append(label)
                tracks.append(track)
                entries.append(entry)
    return np.stack(pixels), np.array(labels), np.array(tracks), entries
