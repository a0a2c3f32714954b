"""Pages that allauth looks up by names of its own, and what both kinds of host have."""

from django.urls import path

from tenants.views import security, session, sso, steps

SECURITY = [
    path("", security.security, name="account_security"),
    path("app/", security.app, name="account_app"),
    path("off/", security.turn_off, name="account_factors_off"),
    path("recovery-codes/", security.recovery_codes, name="account_recovery_codes"),
    path("passkeys/", security.passkey, name="account_passkey"),
    path("passkeys/remove/", security.passkey_remove, name="account_passkey_remove"),
]
TENANT = [
    path("login/", session.sign_in, name="account_login"),
    path("login/second-step/", steps.SecondStepView.as_view(), name="mfa_authenticate"),
    path("login/passkey/", steps.passkey_sign_in, name="account_passkey_sign_in"),
    path("login/sso/", sso.sso, name="account_sso"),
    path("login/sso/callback/", sso.callback, name="account_sso_callback"),
]
PLATFORM = [
    path("admin/login/", steps.AdminSignInView.as_view(), name="account_login"),
    path("admin/login/second-step/", steps.SecondStepView.as_view(), name="mfa_authenticate"),
    path("admin/login/passkey/", steps.passkey_sign_in, name="account_passkey_sign_in"),
]
