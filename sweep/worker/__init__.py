"""Code that runs inside Ray's workers. Never imports the driver.

Importing it completes the environment: Tune and torch, which the modules here import, fail for a user without name or home.
"""

from aesweep.cluster.user import complete_environment

complete_environment()
