"""The panels of the dashboard. Each draws a ``Picture`` and tells by messages what a person did; none asks the cluster."""
