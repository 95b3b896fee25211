"""Grafana's dashboards as code. `python -m infra.grafana` writes dashboards/*.json, which are committed and mounted.

`parts` holds what dashboards are made of; every other module is one dashboard.
"""
