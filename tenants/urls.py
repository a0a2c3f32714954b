"""Pages of a workspace's host."""

from django.urls import path

from tenants.views import (
    account,
    audit,
    flags,
    home,
    invitations,
    preferences,
    session,
    settings,
    threats,
    well_known,
)

app_name = "tenants"
urlpatterns = [
    path("", home.home, name="home"),
    path(".well-known/jwks.json", well_known.jwks, name="jwks"),
    path("login/ticket/<str:ticket>/", session.ticket, name="ticket"),
    path("logout/", session.sign_out, name="logout"),
    path("account/", account.account, name="account"),
    path("account/email/", account.email_change, name="account_email"),
    path("account/verify/", account.verification_send, name="account_verification"),
    path("account/verify/<str:key>/", account.verify, name="verify"),
    path("account/sessions/end/", account.session_end, name="session_end"),
    path("account/sessions/end-others/", account.sessions_end_others, name="sessions_end_others"),
    path("password/forgotten/", account.forgotten, name="forgotten"),
    path("password/reset/<str:key>/", account.reset, name="reset"),
    path("invitation/<str:token>/", invitations.accept, name="invitation"),
    path("settings/", settings.settings, name="settings"),
    path("settings/widget/", settings.widget, name="settings_widget"),
    path("settings/workspace/", preferences.workspace, name="settings_workspace"),
    path("settings/workspace/save/", preferences.workspace_save, name="settings_workspace_save"),
    path("settings/workspace/history/", preferences.history, name="settings_history"),
    path(
        "settings/workspace/history/<uuid:change_id>/revert/",
        preferences.revert,
        name="settings_revert",
    ),
    path("settings/flags/", flags.flag_list, name="settings_flags"),
    path("settings/flags/set/", flags.flag_set, name="settings_flags_set"),
    path("settings/team/", settings.team_list, name="settings_team"),
    path("settings/team/invite/", invitations.invite, name="settings_team_invite"),
    path(
        "settings/team/invitations/<uuid:invitation_id>/send/",
        invitations.send_again,
        name="settings_invitation_send",
    ),
    path(
        "settings/team/invitations/<uuid:invitation_id>/revoke/",
        invitations.revoke,
        name="settings_invitation_revoke",
    ),
    path("settings/team/<uuid:person_id>/role/", settings.team_role, name="settings_team_role"),
    path(
        "settings/team/<uuid:person_id>/remove/", settings.team_remove, name="settings_team_remove"
    ),
    path("settings/keys/", settings.key_list, name="settings_keys"),
    path("settings/keys/create/", settings.key_create, name="settings_keys_create"),
    path("settings/keys/<uuid:key_id>/rotate/", settings.key_rotate, name="settings_keys_rotate"),
    path("settings/keys/<uuid:key_id>/revoke/", settings.key_revoke, name="settings_keys_revoke"),
    path("settings/security/", threats.security, name="settings_security"),
    path(
        "settings/security/<uuid:block_id>/lift/",
        threats.security_lift,
        name="settings_security_lift",
    ),
    path("settings/audit/", audit.audit_list, name="settings_audit"),
    path("settings/audit/export/", audit.audit_csv, name="settings_audit_csv"),
]
