"""What stands behind `manage.py`: the environment, the embedded servers, the front-end build and the supervisor.

`say`, `environment` and `commands` run under a bare Python before anything is installed, so they import the standard
library only; the rest may use what is in the environment.
"""
