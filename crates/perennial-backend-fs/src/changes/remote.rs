//! File systems whose content others change from elsewhere, where the system tells of nothing.

use std::path::Path;

/// Returns whether a path lies where changes may come from another machine or program.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn is_remote(path: &Path) -> bool {
    // What a kernel calls the kind of a file system has 32 bits, however wide the field is.
    rustix::fs::statfs(path).is_ok_and(|stat| is_listed(stat.f_type as u32))
}

/// Returns whether a path lies where changes may come from another machine or program. Not known
/// here: whoever mounts such a thing can set polling.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn is_remote(_: &Path) -> bool {
    false
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_listed(kind: u32) -> bool {
    KINDS.iter().any(|(listed, _)| *listed == kind)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const KINDS: &[(u32, &str)] = &[
    (0x0000_517b, "smb"),
    (0x0000_564c, "ncp"),
    (0x0000_6969, "nfs"),
    (0x00c3_6400, "ceph"),
    (0x0102_1997, "9p"),
    (0x0bd0_0bd0, "lustre"),
    (0x4750_4653, "gpfs"),
    (0x5346_414f, "afs"),
    (0x6573_5546, "fuse and virtiofs"),
    (0x6b41_4653, "kafs"),
    (0x7375_7245, "coda"),
    (0x786f_4256, "vboxsf"),
    (0xfe53_4d42, "smb2"),
    (0xff53_4d42, "cifs"),
];

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(KINDS.is_sorted_by(|(a, _), (b, _)| a < b));
    }

    #[test]
    fn what_the_kernel_keeps_itself_is_not_remote() {
        assert!(!is_remote(Path::new("/proc")));
        assert!(!is_remote(Path::new("/nowhere/at/all")));
        assert!(is_listed(0x6969));
    }
}
