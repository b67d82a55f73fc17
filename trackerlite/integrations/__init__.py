"""Trackers, callbacks and loggers for the frameworks people train with."""
