"""desunt run, fill and report: one page's workflow, and many documents unattended."""
