"""A shelf of pages in memory: stands in for Postgres where a test is about the image alone."""

import random

from objects.storage.image import Change, Image


class Shelf:
    """Keeps one object's pages and counts how it was asked for them."""

    def __init__(self) -> None:
        self.pages: dict[int, bytes] = {}
        self.page_count = 0
        self.asked: list[tuple[int, int]] = []

    def fetch(self, first: int, count: int) -> dict[int, bytes]:
        self.asked.append((first, count))
        return {no: self.pages[no] for no in range(first, first + count) if no in self.pages}

    def put(self, change: Change | None) -> None:
        if change is not None:
            self.pages |= change.pages
            self.page_count = change.page_count
            self.pages = {no: page for no, page in self.pages.items() if no < change.page_count}

    def image(self) -> Image:
        """Open what is on the shelf, begun, with a fixed clock and fixed chance."""
        image = Image(1, 1, self.page_count)
        image.begin(self.fetch)
        image.database.now = 1_000_000_000.0
        chance = random.Random(1)
        image.database.chance = lambda: chance
        return image

    def save(self, image: Image) -> None:
        """Commit, keep what changed and begin again."""
        self.put(image.commit())
        image.begin(self.fetch)

    def file(self) -> bytes:
        return b"".join(self.pages.get(no, bytes(4096)) for no in range(self.page_count))
