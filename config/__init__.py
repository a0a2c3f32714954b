"""Project configuration: settings, URLs, entry points, embedded services."""

from config.env import settings_module_choose

settings_module_choose()  # before anything reads the settings, whichever process this is
