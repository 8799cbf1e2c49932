"""Devices that are compiled into the native loop: what programs drive or poll at full speed."""
