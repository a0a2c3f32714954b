"""The conversations app."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "conversations"
    verbose_name = "Conversations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from corsheaders.signals import check_request_enabled

        from conversations import flags, subscribers  # noqa: F401 - registers what they hold
        from conversations.cors import origin_may_call
        from conversations.shell import shell_fill

        check_request_enabled.connect(origin_may_call, dispatch_uid="conversations.cors")
        shell_fill()
