"""A seal is of its words alone, and of a key of Grove's."""

from teams.seals import is_sealed, seal


def test_a_seal_is_of_its_words_and_no_others():
    made = seal("one", "two", "ü")

    assert is_sealed(made, "one", "two", "ü")
    others = [("one", "two"), ("onet", "wo", "ü"), ("one\x1ftwo", "ü"), ("one", "two3:", "ü"), ()]
    assert not any(is_sealed(made, *words) for words in others)
    assert not any(is_sealed(given, "one", "two", "ü") for given in ("", made[:-1], made + "0", "é"))


def test_seals_of_an_earlier_key_hold_as_long_as_it_is_named(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "first", []
    made = seal("word")

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "second", ["first"]
    assert is_sealed(made, "word")
    assert seal("word") != made
    settings.SECRET_KEY_FALLBACKS = []
    assert not is_sealed(made, "word")
