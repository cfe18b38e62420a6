"""A web site to try browsers on, without the internet: served by the browser host to its own browsers alone.

It keeps nothing: who is signed in and what is in the cart is in signed cookies. `site` serves what `pages` makes.
"""

from browsers.demo.site import ADDRESS, HOST, Site

__all__ = ["ADDRESS", "HOST", "Site"]
