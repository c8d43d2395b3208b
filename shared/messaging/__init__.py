"""Kafka: topics, what goes in, what comes out, and what cannot be processed."""
