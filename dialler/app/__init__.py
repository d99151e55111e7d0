"""Puts the parts together: the only place that names the real exchanges, stores and strategies."""
