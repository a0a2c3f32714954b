"""What allauth looks for in each app: the identity providers that people may sign in with."""

from tenants.accounts.oidc import OidcProvider

provider_classes = [OidcProvider]
