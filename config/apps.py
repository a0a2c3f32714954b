"""Make `config` an application, so that its management commands are found."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Configuration"

    def ready(self) -> None:
        from django.utils.module_loading import autodiscover_modules

        from config.celery import app

        app.set_default()
        autodiscover_modules("tasks")  # `enqueue` names tasks; every process must know them


class FlagTagsConfig(AppConfig):
    """waffle without its signal, which wants flags to list users and groups; ours have none."""

    name = "waffle"
    default = False  # of this module; INSTALLED_APPS names it
    default_auto_field = "django.db.models.BigAutoField"
