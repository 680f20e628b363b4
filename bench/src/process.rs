//! What the kernel says about a process.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;

/// What the kernel counts a file's blocks in, whatever the file system's are.
const BLOCK: u64 = 512;

/// Clock ticks per second in `/proc/PID/stat`.
const TICKS: f64 = 100.0;

/// CPU seconds that a process has used, in steps of 10 ms.
pub fn cpu(pid: u32) -> anyhow::Result<f64> {
    seconds(&fs::read_to_string(format!("/proc/{pid}/stat"))?, 11)
}

/// CPU seconds of the children of this process that have ended.
pub fn ended_children_cpu() -> anyhow::Result<f64> {
    seconds(&fs::read_to_string("/proc/self/stat")?, 13)
}

/// Most memory that a process ever had in RAM, in bytes.
pub fn peak(pid: u32) -> anyhow::Result<u64> {
    kilobytes(&fs::read_to_string(format!("/proc/{pid}/status"))?, "VmHWM:")
}

/// From now on the most memory of this process is counted anew.
pub fn forget_peak() -> anyhow::Result<()> {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}

/// Memory that a process has in RAM, in bytes.
pub fn resident(pid: u32) -> anyhow::Result<u64> {
    kilobytes(&fs::read_to_string(format!("/proc/{pid}/status"))?, "VmRSS:")
}

/// How many files, connections and the like a process has open.
pub fn open_files(pid: u32) -> anyhow::Result<u64> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64)
}

/// What a folder takes on disk, in bytes. What is removed meanwhile does not count.
pub fn folder(path: &Path) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else { return 0 };
    let inside = if found.is_dir() { fs::read_dir(path).into_iter().flatten().flatten().collect() } else { Vec::new() };
    found.blocks() * BLOCK + inside.iter().map(|entry| folder(&entry.path())).sum::<u64>()
}

/// Memory of this machine, in bytes.
pub fn machine_memory() -> anyhow::Result<u64> {
    kilobytes(&fs::read_to_string("/proc/meminfo")?, "MemTotal:")
}

/// Name of this machine's processor.
pub fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find_map(|line| line.strip_prefix("model name"));
    line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, name)| name.trim()).to_owned()
}

/// The running kernel.
pub fn kernel() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    text.trim().to_owned()
}

fn seconds(stat: &str, first: usize) -> anyhow::Result<f64> {
    // The name stands in parentheses and may contain anything.
    let (_, fields) = stat.rsplit_once(')').context("not a stat file")?;
    let mut times = fields.split_ascii_whitespace().skip(first).map(str::parse::<f64>);
    let mut next = || times.next().context("a short stat file")?.context("an odd stat file");
    Ok((next()? + next()?) / TICKS)
}

fn kilobytes(text: &str, name: &str) -> anyhow::Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    let number: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(number * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 150 3 4 20 0 1 0 100 0 0";
        assert_eq!((seconds(stat, 11).unwrap(), seconds(stat, 13).unwrap()), (4.0, 0.07));
        assert!(seconds("7 (a) S", 11).is_err());
    }

    #[test]
    fn memory_is_read_in_kilobytes() {
        assert_eq!(kilobytes("VmPeak:\t 9 kB\nVmHWM:\t  3 kB\n", "VmHWM:").unwrap(), 3072);
        assert!(kilobytes("", "VmHWM:").is_err());
    }

    #[test]
    fn a_folder_is_as_large_as_what_is_in_it() {
        let root = tempfile::TempDir::new().unwrap();
        let empty = folder(root.path());
        fs::create_dir(root.path().join("a")).unwrap();
        fs::write(root.path().join("a/b"), vec![1; 100_000]).unwrap();
        std::os::unix::fs::symlink("/", root.path().join("everything")).unwrap();
        let grown = folder(root.path()) - empty;
        assert!((100_000..200_000).contains(&grown), "{grown}");
        assert_eq!(folder(&root.path().join("none")), 0);
    }

    #[test]
    fn this_process_has_files_open() {
        let before = open_files(std::process::id()).unwrap();
        assert!(before > 0);
    }
}
