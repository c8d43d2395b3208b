"""What pages show, worked out for the templates: no request and no response comes in here."""
