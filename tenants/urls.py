"""Pages of a workspace's host."""

from django.urls import path

from tenants.views import audit, flags, home, preferences, session, settings, threats, well_known

app_name = "tenants"
urlpatterns = [
    path("", home.home, name="home"),
    path(".well-known/jwks.json", well_known.jwks, name="jwks"),
    path("login/", session.sign_in, name="login"),
    path("login/ticket/<str:ticket>/", session.ticket, name="ticket"),
    path("logout/", session.sign_out, name="logout"),
    path("account/", session.account, name="account"),
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
    path("settings/team/add/", settings.team_add, name="settings_team_add"),
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
