"""Run the command line: `python -m deploy.embedded`."""

from deploy.embedded.command import main

main()
