"""Images kept between batches, within a budget of bytes, the least recently used going first."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from objects.storage.image import Image

Key = tuple[str, int]


@dataclass(slots=True)
class _Kept:
    image: Image
    memory_bytes: int


class ImageCache:
    """Holds images while nobody uses them. Who takes one owns it: it is not here until it is given back.

    Thread-safe. So an image in use is never thrown away, and none is used twice at once.
    """

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self.used_bytes = 0
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def has(self, schema: str, object_id: int) -> bool:
        """Tell whether there is one to take just now; another thread may be quicker."""
        return (schema, object_id) in self._kept

    def take(self, schema: str, object_id: int) -> Image | None:
        """Hand over an image, None when there is none or it is in use."""
        with self._lock:
            kept = self._kept.pop((schema, object_id), None)
            if kept is None:
                return None
            self.used_bytes -= kept.memory_bytes
            return kept.image

    def give(self, schema: str, object_id: int, image: Image) -> None:
        """Keep an image that is no longer in use; the least recently used ones make room for it."""
        memory_bytes = image.memory_bytes
        with self._lock:
            old = self._kept.pop((schema, object_id), None)
            self._kept[schema, object_id] = _Kept(image, memory_bytes)
            self.used_bytes += memory_bytes - (old.memory_bytes if old else 0)
            gone = [old] if old else []
            while self.used_bytes > self.budget_bytes and self._kept:
                _, least = self._kept.popitem(last=False)
                self.used_bytes -= least.memory_bytes
                gone.append(least)
        for kept in gone:
            kept.image.close()

    def drop(self, schema: str, object_id: int) -> None:
        """Throw an image away, if it is here."""
        image = self.take(schema, object_id)
        if image is not None:
            image.close()

    def clear(self) -> None:
        """Throw all images away."""
        with self._lock:
            gone = list(self._kept.values())
            self._kept.clear()
            self.used_bytes = 0
        for kept in gone:
            kept.image.close()
