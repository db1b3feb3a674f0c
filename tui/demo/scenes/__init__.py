"""What each provider's service answers in the demo: one scene per provider, found by looking into
this package."""
