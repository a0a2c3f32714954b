"""How Celery's processes start."""

import os
import subprocess
import sys

from config.env import BASE_DIR

LOAD = """\
import gc
from config.celery import app

begun = []
gc.callbacks.append(lambda phase, _: begun.append(phase))
app.loader.import_default_modules()
print(len(begun), gc.isenabled())
"""


def test_worker_looks_for_no_garbage_while_it_loads_and_does_afterwards() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test"}
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    looked, is_enabled = loaded.stdout.split()[-2:]
    assert int(looked) < 10  # of hundreds
    assert is_enabled == "True"
