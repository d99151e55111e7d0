"""Bearer tokens: made once, and kept as their hash."""

import hashlib
import secrets


def new_token() -> tuple[str, str]:
    """Return a new token of 256 random bits, and its hash."""
    token = secrets.token_urlsafe(32)
    return token, hash_of(token)


def hash_of(token: str) -> str:
    """Return the SHA-256 of a token, in hexadecimal. Its own randomness makes a slow hash needless."""
    return hashlib.sha256(token.encode()).hexdigest()
