"""Where input and output happen, one gateway per kind. Nothing here knows a provider."""
