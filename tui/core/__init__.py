"""The pure middle: values and decisions. Standard library only; no clock, no network, no widget."""
