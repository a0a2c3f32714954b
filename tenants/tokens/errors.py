"""Expected failures of tokens; what exactly was wrong with one is nobody's business but ours."""

from core.errors import ServiceUnavailable, Unauthenticated


class TokenInvalid(Unauthenticated):
    code = "token_invalid"
    title = "The access token is not valid here; get a new one."


class TokenForeign(TokenInvalid):
    """A genuine token of another workspace; callers read the same as of any other invalid one."""


class TokenExpired(Unauthenticated):
    code = "token_expired"
    title = "The access token has expired; refresh it."


class CredentialsInvalid(Unauthenticated):
    code = "credentials_invalid"
    title = "This e-mail and password do not open this workspace."


class RefreshTokenInvalid(Unauthenticated):
    code = "refresh_token_invalid"
    title = "The refresh token is unknown, expired, used or revoked; sign in again."


class SigningKeyUnreadable(ServiceUnavailable):
    code = "signing_key_unreadable"
    title = "No token can be issued until the platform's signing key is rotated."
    retryable = False
