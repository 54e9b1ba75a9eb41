"""Rendering: values in, text out. Each format has its own module; none of them touches anything else."""
