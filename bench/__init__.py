"""Measure loaderd beside other loaders, on data of realistic shape.

``python -m bench --help`` lists the options. The parts:

- ``bench.data`` makes the data: deterministic, streamed to disk, kept in a cache folder;
- ``bench.peers`` holds one module for each loader that is measured;
- ``bench.worker`` is one run of one loader, in a process of its own;
- ``bench.turns`` runs the workers in turn, ``bench.report`` prints the medians;
- ``bench.soak`` watches the daemon's memory over many epochs.
"""
