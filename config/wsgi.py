"""WSGI entry point: pages, admin and REST under granian."""

from django.core.wsgi import get_wsgi_application

from config.env import settings_module_choose

settings_module_choose()
application = get_wsgi_application()
