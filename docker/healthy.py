"""Whether the Grove of this container answers and reaches its servers: exit code 0, or 1 and what it said.

`python docker/healthy.py [PORT]`
"""

import os
import sys
import urllib.error
import urllib.request


def main() -> int:
    """Ask as a load balancer does, by a name that the site has."""
    host = os.environ.get("GROVE_HOSTS", "").split(",")[0].strip() or "localhost"
    port = sys.argv[1] if len(sys.argv) > 1 else "8000"
    request = urllib.request.Request(f"http://127.0.0.1:{port}/healthz", headers={"Host": host})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=4):
            return 0
    except (urllib.error.URLError, TimeoutError) as error:
        said = error.read().decode(errors="replace") if isinstance(error, urllib.error.HTTPError) else str(error)
        sys.stderr.write(f"{said}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
