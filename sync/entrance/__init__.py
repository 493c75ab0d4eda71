"""The way in: what `init` and `new` find in a dbt project, and the files they write into it."""
