"""Images kept between batches, within a budget of bytes: the least recently used get slim, and where all are, they go.

An image that was used but once is slim: most of those that are woken for a call are not called again soon.
"""

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
        self._full: OrderedDict[Key, _Kept] = OrderedDict()
        self._slim: OrderedDict[Key, _Kept] = OrderedDict()  # those that got slim last are the last
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._full) + len(self._slim)

    def has(self, schema: str, object_id: int) -> bool:
        """Tell whether there is one to take just now; another thread may be quicker."""
        return (schema, object_id) in self._full or (schema, object_id) in self._slim

    def take(self, schema: str, object_id: int) -> Image | None:
        """Hand over an image, None when there is none or it is in use."""
        with self._lock:
            kept = self._out((schema, object_id))
            return kept.image if kept else None

    def give(self, schema: str, object_id: int, image: Image) -> None:
        """Keep an image that is no longer in use; the least recently used ones make room for it."""
        if not image.has_rested:
            image.has_rested = True
            image.slim()
        kept = _Kept(image, image.memory_bytes)
        with self._lock:
            old = self._out((schema, object_id))
            gone = [old] if old else []
            self._in((schema, object_id), kept)
            while self.used_bytes > self.budget_bytes and self._full:
                key = next(iter(self._full))
                least = self._out(key)
                assert least is not None
                least.image.slim()
                self._in(key, _Kept(least.image, least.image.memory_bytes))
            while self.used_bytes > self.budget_bytes and self._slim:
                least = self._out(next(iter(self._slim)))
                assert least is not None
                gone.append(least)
        for each in gone:
            each.image.close()

    def drop(self, schema: str, object_id: int) -> None:
        """Throw an image away, if it is here."""
        image = self.take(schema, object_id)
        if image is not None:
            image.close()

    def clear(self) -> None:
        """Throw all images away."""
        with self._lock:
            gone = [*self._full.values(), *self._slim.values()]
            self._full.clear()
            self._slim.clear()
            self.used_bytes = 0
        for kept in gone:
            kept.image.close()

    def _in(self, key: Key, kept: _Kept) -> None:
        (self._slim if kept.image.is_slim else self._full)[key] = kept
        self.used_bytes += kept.memory_bytes

    def _out(self, key: Key) -> _Kept | None:
        kept = self._full.pop(key, None) or self._slim.pop(key, None)
        if kept is not None:
            self.used_bytes -= kept.memory_bytes
        return kept
