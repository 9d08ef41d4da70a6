package rowstore

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// networkKinds are the file systems (statfs(2), f_type) that several machines may write to at once. FUSE is among them:
// nothing tells what is behind it.
var networkKinds = map[int64]bool{
	unix.NFS_SUPER_MAGIC: true, unix.SMB_SUPER_MAGIC: true, unix.SMB2_SUPER_MAGIC: true, unix.CIFS_SUPER_MAGIC: true,
	unix.CEPH_SUPER_MAGIC: true, unix.FUSE_SUPER_MAGIC: true, unix.V9FS_MAGIC: true, unix.AFS_FS_MAGIC: true,
	unix.OCFS2_SUPER_MAGIC: true,
	0x0bd00bd0:             true, // Lustre
	0x47504653:             true, // GPFS
	0x19830326:             true, // BeeGFS
	0x01161970:             true, // GFS2
	0xaad7aaea:             true, // PanFS
}

func spaceOf(dir string) (diskSpace, error) {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(dir, &st)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return diskSpace{}, os.NewSyscallError("statfs", err)
		}
		return diskSpace{
			size: int64(st.Blocks) * st.Frsize, free: int64(st.Bavail) * st.Frsize, network: networkKinds[int64(st.Type)&0xffffffff],
		}, nil
	}
}

func allocate(f *os.File, off, n int64) error {
	for {
		switch err := unix.Fallocate(int(f.Fd()), 0, off, n); {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS):
			return errors.ErrUnsupported
		default:
			return os.NewSyscallError("fallocate", err)
		}
	}
}

// writeBack has the kernel begin to write a range to disk, so that a later sync has less to wait for.
func writeBack(f *os.File, off, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), off, n, unix.SYNC_FILE_RANGE_WRITE) // a hint
}

func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// resident says whether all pages of b, a part of a mapping, are in memory. vec has a byte for each page, and is on the heap.
func resident(b, vec []byte) bool {
	if len(b) == 0 {
		return true
	}
	pages := (len(b) + pageSize - 1) / pageSize
	if pages > len(vec) {
		pages, b = len(vec), b[:len(vec)*pageSize]
	}
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, address(b), uintptr(len(b)), address(vec)); errno != 0 {
		return true // the answer is only used to skip work
	}
	for _, v := range vec[:pages] {
		if v&1 == 0 {
			return false
		}
	}
	return true
}
