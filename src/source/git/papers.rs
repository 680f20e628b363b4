//! What ssh reads of a Secret: files that have no name in any folder, that nobody else may open, and that are gone with the
//! conversation.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::process::Command;

use super::Target;
use crate::source::SourceError;
use crate::source::access::SshAccess;

/// A key and the hosts that are known.
#[derive(Debug)]
pub(super) struct Papers {
    identity: File,
    known_hosts: File,
}

impl Papers {
    /// Writes them beside the caches, which may be the only place that can be written.
    pub fn of(target: &Target, access: &SshAccess) -> Result<Self, SourceError> {
        let folder = &target.shared.options.cache_dir;
        let write = |content: &[u8]| -> io::Result<File> {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            // Without a name from the start, or removed before anything is in it. OpenSSH takes no key that others may read,
            // and without this it would be as the umask says.
            let mut file = tempfile::tempfile_in(folder)?;
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(content)?;
            Ok(file)
        };
        let failed = |error: io::Error| SourceError::store(format!("keep a key in {}", folder.display()), &error);
        Ok(Self {
            identity: write(&access.identity.0).map_err(failed)?,
            known_hosts: write(&access.known_hosts.0).map_err(failed)?,
        })
    }

    /// Tells ssh where they are, and to look nowhere else: what this machine's user has is not the Secret's.
    pub fn show(&self, command: &mut Command) {
        // The child closes what it inherits; our own table is open to it, for it is the same user.
        let place = |file: &File| format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        command.args(["-F", "none"]);
        let settings = [
            format!("IdentityFile={}", place(&self.identity)),
            format!("UserKnownHostsFile={}", place(&self.known_hosts)),
            "IdentitiesOnly=yes".to_owned(),
            "IdentityAgent=none".to_owned(),
            "GlobalKnownHostsFile=/dev/null".to_owned(),
            "PreferredAuthentications=publickey".to_owned(),
            // A key that is found there is written to no file, for there is none.
            "UpdateHostKeys=no".to_owned(),
        ];
        for setting in settings {
            command.args(["-o", &setting]);
        }
    }
}
