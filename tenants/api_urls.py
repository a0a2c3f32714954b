from django.urls import path

from tenants.api import invitations, keys, tokens

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
]
