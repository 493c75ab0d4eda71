"""What audiences answer before and after they are built: dbt compiles the rule tree, the warehouse counts."""
