"""WSGI entry point: pages, admin and REST under granian."""

import gc

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
# What is loaded by now stays: the collector need not look through it again and again.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
