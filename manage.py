#!/usr/bin/env python3
"""Grove's one command. `python3 manage.py up` starts everything, `test` tests it; the rest are Django's commands."""

import os
import sys

# Nothing newer than Python 3.4 may stand in this file: an old Python must come as far as the message.
if sys.version_info < (3, 11):
    sys.exit(
        "Grove needs Python 3.11 or newer, and %s is %d.%d. Install a newer one and start Grove with it,\n"
        "for example: python3.11 manage.py up"
        % (sys.executable or "this python", sys.version_info[0], sys.version_info[1])
    )
if os.name != "posix":
    sys.exit("Grove's embedded servers run on Linux and macOS. On Windows, use WSL or the Docker image.")

if __name__ == "__main__":
    from config.up.commands import main

    sys.exit(main(sys.argv[1:]))
