"""Ground Truth: who labels (workforces, work teams), with what (worker task templates), and labeling jobs.

`provider` checks and starts a job, `run` is one from its manifest to its output, `batch` holds the objects that workers
have before them, `assignments` keeps who is at work on which, `answers` what they said, `consolidation` makes one label
of several. `portal/` is the workers' own page, of which `labelling_page/` has what other labelling pages have too.
"""
