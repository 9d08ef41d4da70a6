"""HDF5 files with settings that h5py does not offer, some of them through ctypes on h5py's own copy of libhdf5."""

import ctypes
import re
from pathlib import Path

import h5py
import numpy as np
from h5py import h5d, h5f, h5g, h5p, h5s, h5t

LIBVERS = ["earliest", "v108", "v110", "v112", "v114", "latest"]
INDEXES = ["B-tree v1", "single chunk", "implicit", "fixed array", "extensible array", "B-tree v2"]

_path = re.search(r"/\S*/libhdf5-\S*\.so\S*", Path("/proc/self/maps").read_text()).group()
C = ctypes.CDLL(_path)
HID = ctypes.c_int64


def c_call(name, *args):
    fn = getattr(C, name)
    fn.restype = ctypes.c_int
    if fn(*args) < 0:
        raise RuntimeError(name)


class CacheImage(ctypes.Structure):
    """H5AC_cache_image_config_t."""

    _fields_ = [("version", ctypes.c_int), ("generate_image", ctypes.c_bool), ("save_resize_status", ctypes.c_bool),
                ("entry_ageout", ctypes.c_int)]


def new_file(path, libver="earliest", fcpl=None, userblock=0, cache_image=False):
    """An h5py.File with a creation property list of its own; with ``cache_image`` its metadata stay in an image of the cache."""
    path.unlink(missing_ok=True)
    fcpl = fcpl or h5p.create(h5p.FILE_CREATE)
    fcpl.set_obj_track_times(False)
    if userblock:
        fcpl.set_userblock(userblock)
    fapl = h5p.create(h5p.FILE_ACCESS)
    low = h5py._hl.files.libver_dict[libver]
    fapl.set_libver_bounds(low, h5f.LIBVER_LATEST if libver in ("earliest", "latest") else low)
    fapl.set_fclose_degree(h5f.CLOSE_STRONG)
    if cache_image:
        c_call("H5Pset_mdc_image_config", HID(fapl.id), ctypes.byref(CacheImage(1, True, False, -1)))
    return h5py.File(h5f.create(str(path).encode(), h5f.ACC_TRUNC, fcpl, fapl))


def new_group(parent, name, filters=0, order=False):
    gcpl = h5p.create(h5p.GROUP_CREATE)
    gcpl.set_obj_track_times(False)
    if order:
        gcpl.set_link_creation_order(h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED)
        gcpl.set_attr_creation_order(h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED)
    if filters:
        c_call("H5Pset_deflate", HID(gcpl.id), ctypes.c_uint(filters))
    return h5py.Group(h5g.create(parent.id, name.encode(), gcpl=gcpl))


def low_level(parent, name, data, tid=None, maxshape=None, chunk=None, prepare=None, shape=None):
    """A dataset with a creation property list of its own."""
    data = None if data is None else np.asarray(data)
    shape = data.shape if data is not None else shape
    tid = tid or h5t.py_create(data.dtype, logical=True)
    dcpl = h5p.create(h5p.DATASET_CREATE)
    dcpl.set_obj_track_times(False)
    if chunk:
        dcpl.set_chunk(chunk)
    if prepare:
        prepare(dcpl)
    space = h5s.create_simple(shape, maxshape and tuple(h5s.UNLIMITED if m is None else m for m in maxshape))
    d = h5d.create(parent.id, name.encode(), tid, space, dcpl=dcpl)
    if data is not None:
        d.write(h5s.ALL, h5s.ALL, np.ascontiguousarray(data), mtype=tid if data.dtype.kind in "SV" else None)
    return h5py.Dataset(d)


def chunk_index(d):
    """The name of the index that a dataset's chunks have."""
    out = ctypes.c_int()
    c_call("H5Dget_chunk_index_type", HID(d.id.id), ctypes.byref(out))
    return INDEXES[out.value]
