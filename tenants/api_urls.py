from django.urls import path

from tenants.api import audit, dead_letters, invitations, keys, preferences, security, tokens

_GROUP = "settings/<slug:group>"

urlpatterns = [
    path("auth/token", tokens.TokenIssueView.as_view(), name="auth_token"),
    path("auth/token/refresh", tokens.TokenRefreshView.as_view(), name="auth_token_refresh"),
    path("auth/token/revoke", tokens.TokenRevokeView.as_view(), name="auth_token_revoke"),
    path("auth/me", tokens.CallerView.as_view(), name="auth_me"),
    path("invitations", invitations.InvitationListView.as_view(), name="invitations"),
    path(
        "invitations/<uuid:invitation_id>",
        invitations.InvitationDetailView.as_view(),
        name="invitation",
    ),
    path("api-keys", keys.ApiKeyListView.as_view(), name="api_keys"),
    path("api-keys/<uuid:key_id>", keys.ApiKeyDetailView.as_view(), name="api_key"),
    path("api-keys/<uuid:key_id>/rotate", keys.ApiKeyRotateView.as_view(), name="api_key_rotate"),
    path("audit", audit.AuditListView.as_view(), name="audit"),
    path("security-events", security.SecurityEventListView.as_view(), name="security_events"),
    path("blocks", security.BlockListView.as_view(), name="blocks"),
    path("blocks/<uuid:block_id>", security.BlockDetailView.as_view(), name="block"),
    path("dead-letters", dead_letters.DeadLetterListView.as_view(), name="dead_letters"),
    path(
        "dead-letters/redrive",
        dead_letters.DeadLetterRedriveView.as_view(),
        name="dead_letters_redrive",
    ),
    path("settings", preferences.SettingGroupListView.as_view(), name="api_settings"),
    path(_GROUP, preferences.SettingView.as_view(), name="api_setting"),
    path(f"{_GROUP}/history", preferences.SettingHistoryView.as_view(), name="api_setting_history"),
    path(f"{_GROUP}/revert", preferences.SettingRevertView.as_view(), name="api_setting_revert"),
]
