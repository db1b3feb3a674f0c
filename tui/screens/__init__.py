"""The screens: the dashboard below, the others pushed on top of it."""
