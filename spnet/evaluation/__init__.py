"""Registering pairs and scoring the fields in memory."""
