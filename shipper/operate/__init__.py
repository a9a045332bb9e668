"""What an operator meets: status, logs, the service manager, signals, metrics. Knows no other stage."""
