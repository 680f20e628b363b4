//! The log level of a running daemon follows a file, as it does when a mounted ConfigMap changes.

use serde_json::Value;
use tempfile::TempDir;

use crate::support::alone::Alone;
use crate::support::daemon::Daemon;
use crate::support::{eventually, holds, http};

/// Somebody calls for a GitSync that there is not, which is told at `debug` alone.
async fn knock(daemon: &Daemon) {
    let url = format!("{}/hooks/nowhere/none", daemon.hooks);
    let call = http::client().post(url).header("X-Hub-Signature-256", format!("sha256={}", "0".repeat(64)));
    let answer = call.header("Content-Type", "application/json").body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 403);
}

fn at_debug(daemon: &Daemon) -> Vec<Value> {
    daemon.log.lines(|line| line["level"] == "DEBUG")
}

#[tokio::test]
async fn the_log_level_follows_its_file_while_the_daemon_runs() {
    let Some(alone) = Alone::new().await else { return };
    // As the kubelet does it: the file is a link below a link that is exchanged.
    let folder = TempDir::new().unwrap();
    let put = |version: &str, level: &str| {
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path(version)).unwrap();
        std::fs::write(path(version).join("level"), level).unwrap();
        std::os::unix::fs::symlink(version, path("next")).unwrap();
        std::fs::rename(path("next"), path("data")).unwrap();
    };
    let file = folder.path().join("level");
    std::os::unix::fs::symlink("data/level", &file).unwrap();
    let daemon = alone.daemon(&["--log-level-file", file.to_str().unwrap()]).await;
    daemon.is_ready().await;
    knock(&daemon).await;
    assert_eq!(at_debug(&daemon), Vec::<Value>::new(), "a file that is missing changes nothing");

    put("1", "info,gitmoor=debug\n");
    let changes = |filter: &'static str| {
        move |line: &Value| line["message"] == "the log level changes" && line["filter"] == filter
    };
    daemon.log.line("more is logged", changes("info,gitmoor=debug")).await;
    eventually("what is only told at debug is told", async || {
        knock(&daemon).await;
        let told = at_debug(&daemon);
        holds(told.iter().any(|line| line["message"] == "webhook delivery refused"), told)
    })
    .await;

    put("2", "gitmoor=loud");
    let bad = daemon.log.message("the log level stays as it is: its file cannot be understood").await;
    assert!(bad["error"].as_str().unwrap().contains("gitmoor=loud"), "{bad}");
    let before = at_debug(&daemon).len();
    knock(&daemon).await;
    eventually("it stays", async || holds(at_debug(&daemon).len() > before, daemon.log.tail())).await;

    std::fs::remove_file(&file).unwrap();
    daemon.log.line("the flag counts again", changes("info")).await;
    knock(&daemon).await;
    daemon.signal("TERM");
    daemon.log.message("stopping").await;
    let lines = daemon.log.lines(|_| true);
    let changed = lines.iter().rposition(changes("info")).unwrap();
    let told: Vec<_> = lines[changed..].iter().filter(|line| line["level"] == "DEBUG").collect();
    assert!(told.is_empty(), "{told:#?}");
}
