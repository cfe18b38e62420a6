"""The cache keeps within its budget, and never touches an image that is in use."""

import threading

import apsw
import pytest

from objects.storage.cache import ImageCache
from objects.storage.image import Image


def is_closed(image: Image) -> bool:
    try:
        image._connection.execute("SELECT 1")
    except apsw.ConnectionClosedError:
        return True
    return False


@pytest.fixture
def images() -> list[Image]:
    """Images that were used once."""
    made = [Image(number, 1, 0) for number in range(4)]
    for image in made:
        ImageCache(10**9).give("", 0, image)
    return made


@pytest.fixture
def cache(images) -> ImageCache:
    return ImageCache(images[0].memory_bytes * 3)


def test_an_image_taken_is_gone_until_it_is_given_back(cache, images):
    cache.give("a", 1, images[1])

    assert (cache.has("a", 1), cache.has("b", 1)) == (True, False)
    assert cache.take("a", 1) is images[1]
    assert cache.take("a", 1) is None
    assert cache.used_bytes == 0


def test_the_least_recently_used_goes_first(cache, images):
    for image in images[:3]:
        cache.give("a", image.object_id, image)
    cache.give("a", 0, cache.take("a", 0))

    cache.give("a", 3, images[3])

    assert cache.used_bytes == images[0].memory_bytes * 3
    assert [is_closed(image) for image in images] == [False, True, False, False]


def test_all_get_slim_before_one_goes_the_least_recently_used_first(images):
    used = [Image(number, 1, 0) for number in range(3)]
    cache = ImageCache(images[0].memory_bytes + 2 * used[0].memory_bytes)
    for image in used:
        cache.give("a", image.object_id, image)
    are_slim = [image.is_slim for image in used]

    for image in used:
        cache.take("a", image.object_id).begin(lambda _first, _count: {})
        image.rollback()
        cache.give("a", image.object_id, image)
    cache.give("a", 3, images[3])

    assert are_slim == [True] * 3
    assert cache.used_bytes == sum(image.memory_bytes for image in [*used, images[3]])
    assert [(image.is_slim, is_closed(image)) for image in used] == [(True, False), (True, False), (False, False)]


def test_an_image_in_use_outlives_any_pressure(cache, images):
    cache.give("a", 0, images[0])
    cache.take("a", 0)

    for image in images[1:]:
        cache.give("a", image.object_id, image)
    cache.give("a", 9, Image(9, 1, 0))

    assert not is_closed(images[0])


def test_an_image_larger_than_the_budget_is_not_kept(images):
    cache = ImageCache(10)

    cache.give("a", 0, images[0])

    assert (len(cache), cache.used_bytes, is_closed(images[0])) == (0, 0, True)


def test_dropped_and_cleared_images_are_closed(cache, images):
    cache.give("a", 0, images[0])
    cache.give("a", 1, images[1])
    cache.drop("a", 0)
    cache.drop("a", 0)
    cache.clear()

    assert (is_closed(images[0]), is_closed(images[1]), len(cache), cache.used_bytes) == (True, True, 0, 0)


def test_two_threads_never_get_the_same_image(cache, images):
    users: list[int] = []
    clashes: list[int] = []

    def use() -> None:
        for _ in range(2000):
            image = cache.take("a", 0)
            if image is not None:
                users.append(1)
                if len(users) > 1:
                    clashes.append(1)
                users.pop()
                cache.give("a", 0, image)

    cache.give("a", 0, images[0])
    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (clashes, cache.has("a", 0)) == ([], True)
