"""What an evaluation leaves on disk: tables, predictions, figures."""
