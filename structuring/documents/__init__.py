"""Reads YAML, JSON, CSV, Parquet and Excel, with the place of every fault, and writes terms as YAML."""
