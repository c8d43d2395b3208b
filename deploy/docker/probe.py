"""A container's health check: exit 0 if the service on this port is ready."""

import sys
import urllib.request

urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/health/ready", timeout=4)
