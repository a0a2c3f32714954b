"""WSGI entry point: pages, admin and REST under granian."""

import gc

from django.utils.module_loading import import_string

gc.disable()  # while all is loaded there is nothing to collect: a sixth of the time
application = import_string("django.core.wsgi.get_wsgi_application")()
# What is loaded by now stays: the collector need not look through it again and again.
gc.collect()
gc.freeze()
gc.enable()
gc.set_threshold(20_000, 20, 20)
