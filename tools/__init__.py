"""What makes the documentation: run from the checkout, never shipped."""
