"""What a browser may reach. All its traffic goes through `proxy`, which asks `objects.network.guard` for each address.

`chromium` has the flags and options without which something would go past the proxy, `addresses` what may be opened.
"""
