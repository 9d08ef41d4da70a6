"""HDF5: groups and links, superblocks, and what concerns the whole file."""

import ctypes

import h5py
import numpy as np
from form import adder
from h5_writing import HID, LIBVERS, c_call, new_group
from h5py import h5p

form = adder("h5", LIBVERS)
GROUPS, FILES = "HDF5: groups and links", "HDF5: files"


def contents(f):
    """A little of everything, to see that a file of some kind is read at all."""
    f["x"] = np.arange(10)
    f.create_dataset("gzip", data=np.arange(100, dtype="<f4"), chunks=(9,), compression="gzip")
    f.create_dataset("plain", data=np.arange(100, dtype="<f4"), chunks=(9,))
    f["text"] = np.array(["a", "b", "ü"], dtype=h5py.string_dtype())
    f.attrs["s"] = "text"
    for i in range(12):
        f.attrs[f"a{i}"] = i
        f[f"d{i}"] = i


@form(GROUPS, "few members, nested, with any names")
def _(f):
    g = f
    for name in ["a", "b", "ç", "d e", "日本", "x" * 200]:
        g = new_group(g, name)
        g["leaf"] = 1
    new_group(f, "empty")


@form(GROUPS, "many members (B-trees; dense links from HDF5 1.8)")
def _(f):
    g = new_group(f, "g")
    for i in range(150):
        g[f"member {i * 37 % 150:03d}"] = np.int8(i % 100)


@form(GROUPS, "symbol tables of several levels (superblock version 1)", ["earliest"], istore_k=2, sym_k=2, superblock=1)
def _(f):
    for i in range(90):
        f[f"n{i * 37 % 90:02d}"] = np.int8(i)


@form(GROUPS, "in the order of creation (track_order)")
def _(f):
    few, many = new_group(f, "few", order=True), new_group(f, "many", order=True)
    for i in range(5):
        few[f"column {i * 3 % 5}"] = np.int8(i)
    for i in range(60):
        many[f"column {i * 37 % 60:02d}"] = np.int8(i)
        many.attrs[f"attribute {i * 37 % 60:02d}"] = i


@form(GROUPS, "some thousands of links (heap of nested indirect blocks)", ["v108", "v110", "latest"])
def _(f):
    g = new_group(f, "wide")
    f["one"] = np.int8(1)
    for i in range(5600):
        g.id.links.create_hard(f"{i * 7919 % 5600:04d}".ljust(110, "-").encode(), f.id, b"one")


@form(GROUPS, "long links (huge objects of a fractal heap)", LIBVERS[1:])
def _(f):
    f["x"] = 5
    g = new_group(f, "g", order=True)
    for i in range(12):
        g[f"{i:02d}" + "n" * 6000] = f["x"]
    g["short"] = f["x"]


@form(GROUPS, "links deleted and made again")
def _(f):
    g = new_group(f, "g")
    for i in range(40):
        g[f"m{i}"] = i
    for i in range(0, 40, 3):
        del g[f"m{i}"]
    for i in range(10):
        g[f"again {i}"] = i


@form(GROUPS, "heap of links that is compressed", LIBVERS[1:])
def _(f):
    g = new_group(f, "g", filters=6)
    for i in range(700):
        g.id.links.create_hard(f"link with a name that packs well {i:04d}".encode(), f.id, b"/g")
    f["x"] = 1


@form(GROUPS, "soft and hard links")
def _(f):
    g = new_group(f, "g")
    g["x"] = 7
    f["hard"] = g["x"]
    f["soft"] = h5py.SoftLink("/g/x")
    f["relative"] = h5py.SoftLink("soft")
    f["to group"] = h5py.SoftLink("/g")
    g["up"] = h5py.SoftLink("/hard")
    g["dangling"] = h5py.SoftLink("/nowhere")
    g["loop_a"], g["loop_b"] = h5py.SoftLink("/g/loop_b"), h5py.SoftLink("/g/loop_a")
    g["self"] = f["/"]


@form(GROUPS, "external links", refused="/external")
def _(f):
    f["x"] = 1
    f["external"] = h5py.ExternalLink("other.h5", "/x")


@form(FILES, "superblock versions 0, 2 and 3")
def _(f):
    contents(f)


for _size in (512, 1024, 8192):

    @form(FILES, f"user block of {_size} bytes", ["earliest", "v108", "latest"], userblock=_size)
    def _(f):
        contents(f)


@form(FILES, "bytes put before a file that does not know of them", moved=512)
def _(f):
    contents(f)


@form(FILES, "addresses of 4 bytes", ["earliest", "v108", "v110", "latest"], sizes=4)
def _(f):
    contents(f)
    if f.libver[0] == "earliest":  # HDF5 2.0 writes files with unlimited axes and such sizes that it cannot open
        f.create_dataset("growing", data=np.arange(100), chunks=(9,), maxshape=(None,))
        f.create_dataset("matrix", data=np.arange(100).reshape(10, 10), chunks=(3, 3), maxshape=(None, None))


@form(FILES, "addresses of 2 bytes", ["earliest", "v108"], sizes=2)
def _(f):
    f["x"], f["text"] = np.arange(10), np.array(["a", "ü"], dtype=h5py.string_dtype())
    f.attrs["s"] = "text"


@form(FILES, "shared messages", LIBVERS[1:], shared=True)
def _(f):
    for i in range(4):
        d = f.create_dataset(f"d{i}", data=np.arange(20, dtype="<f4") + i, chunks=(6,), compression="gzip", shuffle=True, fillvalue=3)
        d.attrs["the same everywhere"] = np.arange(5)
        d.attrs["different"] = i
    for i in range(12):
        f["d0"].attrs[f"many {i}"] = np.arange(6) + i


@form(FILES, "file space in pages", LIBVERS[2:], strategy=1)
def _(f):
    contents(f)


@form(FILES, "free space remembered", LIBVERS[2:], strategy=0)
def _(f):
    contents(f)
    for i in range(0, 12, 2):
        del f[f"d{i}"]


@form(FILES, "written for readers at the same time (SWMR)", ["latest"])
def _(f):
    contents(f)
    f.create_dataset("growing", data=np.arange(100), chunks=(9,), maxshape=(None,))
    f.swmr_mode = True
    f["growing"].resize((150,))
    f["growing"][100:] = 5
    f["growing"].flush()


@form(FILES, "metadata in a cache image", ["latest"], refused="", cache_image=True)
def _(f):
    contents(f)


def creation_list(how):
    """The property list of a file with the settings of a form."""
    fcpl = h5p.create(h5p.FILE_CREATE)
    if "istore_k" in how:
        c_call("H5Pset_istore_k", HID(fcpl.id), ctypes.c_uint(how["istore_k"]))
    if "sym_k" in how:
        c_call("H5Pset_sym_k", HID(fcpl.id), ctypes.c_uint(how["sym_k"]), ctypes.c_uint(how["sym_k"]))
    if "sizes" in how:
        fcpl.set_sizes(how["sizes"], how["sizes"])
    if "shared" in how:
        c_call("H5Pset_shared_mesg_nindexes", HID(fcpl.id), ctypes.c_uint(2))
        c_call("H5Pset_shared_mesg_index", HID(fcpl.id), ctypes.c_uint(0), ctypes.c_uint(0x0002 | 0x0008 | 0x0020), ctypes.c_uint(10))
        c_call("H5Pset_shared_mesg_index", HID(fcpl.id), ctypes.c_uint(1), ctypes.c_uint(0x0800 | 0x1000), ctypes.c_uint(10))
    if "strategy" in how:
        fcpl.set_file_space_strategy(how["strategy"], True, 1)
    return fcpl
