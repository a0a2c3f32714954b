"""People's accounts on django-allauth: addresses, passwords, second factors, sessions, mails."""
