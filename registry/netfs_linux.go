package registry

import "golang.org/x/sys/unix"

// networkKinds are the file systems that several machines may have mounted, or where shared memory of processes is not to be relied
// upon, by the number that statfs gives (linux/magic.h, and those of the file systems' own).
var networkKinds = map[uint32]string{
	unix.NFS_SUPER_MAGIC:   "NFS",
	unix.SMB_SUPER_MAGIC:   "SMB",
	unix.SMB2_SUPER_MAGIC:  "SMB 2",
	unix.CIFS_SUPER_MAGIC:  "CIFS",
	unix.CEPH_SUPER_MAGIC:  "Ceph",
	unix.AFS_SUPER_MAGIC:   "AFS",
	unix.AFS_FS_MAGIC:      "AFS",
	unix.CODA_SUPER_MAGIC:  "Coda",
	unix.V9FS_MAGIC:        "9p",
	unix.FUSE_SUPER_MAGIC:  "FUSE", // sshfs, GlusterFS, virtiofs, mounted buckets
	unix.OCFS2_SUPER_MAGIC: "OCFS2",
	0x01161970:             "GFS2",
	0x0bd00bd0:             "Lustre",
	0x47504653:             "GPFS",
	0x19830326:             "BeeGFS",
	0xaad7aaea:             "PanFS",
	0x786f4256:             "VirtualBox shared folder",
	0x013111a8:             "IBRIX",
	0x7c7c6673:             "prl_fs",
}

// networkKind is the name of the network file system that a folder lies on.
func networkKind(dir string) (kind string, yes bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return "", false // whoever opens the file there says what is wrong
	}
	kind, yes = networkKinds[uint32(st.Type)]
	return kind, yes
}
