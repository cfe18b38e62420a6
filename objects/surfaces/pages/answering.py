"""Answers of pages: see `teams.answering`, which pages about people share."""

from teams.answering import answer, bad_request, not_found, refuse, retry_after, wants_fragment

__all__ = ["answer", "bad_request", "not_found", "refuse", "retry_after", "wants_fragment"]
