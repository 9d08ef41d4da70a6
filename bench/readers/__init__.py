"""How fast files are decoded: mapped/h5 and mapped/zarr beside h5py and zarr-python, on the same files in the same run.

``make bench-readers`` runs all of it. The Go half is the command in ``decode/``.
"""
