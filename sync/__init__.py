"""Send materialised dbt models to destinations and bring campaign results back."""

__version__ = "0.1.0"
