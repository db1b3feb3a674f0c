"""Where secrets live and where they can be found. Nothing here knows a provider."""
