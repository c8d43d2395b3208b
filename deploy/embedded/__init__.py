"""The real engines as pip wheels, and the supervisor that runs them with the services.

`EmbeddedStack` in `stack.py` is the whole interface; `python -m deploy.embedded` is its command
line. Nothing that a process has confirmed is lost when it or its engine is killed.
"""
