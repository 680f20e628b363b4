//! The log level from a file that may change while it runs, as an entry of a mounted ConfigMap does.
//!
//! A file rather than a port or a signal: in a cluster, who may change it is then whoever may write that ConfigMap, all
//! replicas hear of it, and no listener does anything but answer. What cannot be understood changes nothing.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use super::logs::Filter;

/// Between two looks. A mounted ConfigMap is exchanged by renaming a link above the file, which no watch of the file
/// tells, and reading a few bytes costs nothing.
const EVERY: Duration = Duration::from_secs(2);
/// A filter is no longer than that.
const LONGEST: u64 = 4096;

/// A file with the level, and what holds where it says nothing.
#[derive(Debug)]
pub struct LevelFile {
    /// The file.
    pub path: PathBuf,
    /// The level of the flags.
    pub otherwise: String,
}

/// Takes the filter of the file whenever it is another one, for as long as it is polled.
pub async fn follow(file: LevelFile, filter: Filter) {
    let mut looks = interval(EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = Ok(file.otherwise.clone());
    loop {
        looks.tick().await;
        let found = wanted(read(&file.path).await, &file.otherwise);
        if found == known {
            continue;
        }
        let taken = found.clone().and_then(|wanted| take(&filter, &wanted));
        if let Err(error) = taken {
            warn!(file = %file.path.display(), error, "the log level stays as it is: its file cannot be understood");
        }
        known = found;
    }
}

/// Says so at a time when it is heard: before less is written, or after more is.
fn take(filter: &Filter, wanted: &str) -> Result<(), String> {
    let take = filter.read(wanted).map_err(|error| reason(&error))?;
    let heard = tracing::enabled!(tracing::Level::INFO);
    let say = || info!(filter = wanted, "the log level changes");
    if heard {
        say();
    }
    take().map_err(|error| reason(&error))?;
    if !heard {
        say();
    }
    Ok(())
}

/// An error with its causes, but for those that it repeats.
fn reason(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string);
    causes.fold(error.to_string(), |all, cause| if all.contains(&cause) { all } else { format!("{all}: {cause}") })
}

/// What the file says, if it is there; a little more than is taken is enough to know that it is too long.
async fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).await?.take(LONGEST + 1).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// The filter that is asked for: that of the flags where the file is missing or empty.
fn wanted(read: io::Result<Vec<u8>>, otherwise: &str) -> Result<String, String> {
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error.to_string()),
    };
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST) {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    match text.trim() {
        "" => Ok(otherwise.to_owned()),
        text => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_a_level_or_the_flags_do() {
        let check = |read: io::Result<Vec<u8>>, expected: Result<&str, &str>| {
            assert_eq!(wanted(read, "info"), expected.map(str::to_owned).map_err(str::to_owned));
        };
        check(Ok(b"debug\n".to_vec()), Ok("debug"));
        check(Ok(b" info,gitmoor::sync=debug ".to_vec()), Ok("info,gitmoor::sync=debug"));
        check(Ok(Vec::new()), Ok("info"));
        check(Ok(b" \n\n".to_vec()), Ok("info"));
        check(Err(ErrorKind::NotFound.into()), Ok("info"));
        check(Err(ErrorKind::PermissionDenied.into()), Err("permission denied"));
        check(Ok(vec![b'x'; 4096]), Ok(&"x".repeat(4096)));
        check(Ok(vec![b'x'; 4097]), Err("it is longer than 4096 bytes"));
        check(Ok(vec![0xff]), Err("it is not UTF-8"));
    }
}
