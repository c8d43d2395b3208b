"""How far reviewers agree with each other and with the model."""
