//! `gitmoor init`: starts a repository of declarations, with a first service, the GitSync that follows it, and checks for CI.
//! It writes into an empty folder only, and asks no cluster.

mod files;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::inert::{inert, print_json};
use super::install::namespace;
use super::{Output, Screen};
use crate::model::is_name;
use files::{About, files};

/// Arguments of `gitmoor init`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 it is written, 2 error: nothing was written, or the folder is not empty.")]
pub struct InitArgs {
    /// Folder to write into: a new one, or one that has nothing but .git.
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Where the repository will be. Default: a place to fill in.
    #[arg(long, value_name = "URL", default_value = "https://git.example.com/acme/deploy.git", value_parser = url)]
    pub url: String,
    /// Name of the GitSync, and of the folder that it reads.
    #[arg(long, value_name = "NAME", default_value = "apps", value_parser = name)]
    pub name: String,
    /// Namespace that the services are for.
    #[arg(long, short, value_name = "NAME", default_value = "apps", value_parser = namespace)]
    pub namespace: String,
    /// Where checks run.
    #[arg(long, value_enum, default_value_t = Ci::Github)]
    pub ci: Ci,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// A system that runs checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ci {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Gitea and Forgejo Actions.
    Gitea,
    /// None.
    None,
}

/// What was written.
#[derive(Debug, Serialize)]
struct Started<'a> {
    folder: &'a Path,
    files: Vec<&'static str>,
}

/// Writes the files, all or none.
pub fn run(args: &InitArgs, out: &mut dyn Write, _: Screen) -> anyhow::Result<ExitCode> {
    let InitArgs { folder, .. } = args;
    empty(folder)?;
    let files = files(&About { url: &args.url, name: &args.name, namespace: &args.namespace, ci: args.ci });
    for (path, text) in &files {
        let file = folder.join(path);
        let parent = file.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make the folder {}", parent.display()))?;
        let mut new = std::fs::OpenOptions::new();
        // Whoever was quicker keeps theirs.
        let mut new =
            new.write(true).create_new(true).open(&file).with_context(|| format!("cannot write {}", file.display()))?;
        new.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let written: Vec<_> = files.iter().map(|(path, _)| *path).collect();
    if args.output == Output::Json {
        print_json(out, &Started { folder, files: written })?;
        return Ok(ExitCode::SUCCESS);
    }
    for path in written {
        writeln!(out, "wrote {}", inert(&folder.join(path).display().to_string()))?;
    }
    let shown = folder.display().to_string();
    let shown = inert(&shown);
    writeln!(out, "next:")?;
    writeln!(out, "  gitmoor validate {shown}")?;
    // Whatever git calls a first branch here: the GitSync follows main.
    writeln!(
        out,
        "  git -C {shown} init -b main && git -C {shown} add . && git -C {shown} commit -m 'A first service'"
    )?;
    writeln!(out, "  push it to {}, then: kubectl apply -f {shown}/gitsync.yaml", inert(&args.url))?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses a folder with anything of somebody in it.
fn empty(folder: &Path) -> anyhow::Result<()> {
    let shown = folder.display();
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(|| format!("cannot read the folder {shown}"))?,
    };
    for entry in entries {
        let name = entry.with_context(|| format!("cannot read the folder {shown}"))?.file_name();
        if name != ".git" {
            bail!("{shown} is not empty: {} is in it; name a new folder", name.display());
        }
    }
    Ok(())
}

fn name(text: &str) -> Result<String, String> {
    if is_name(text) { Ok(text.to_owned()) } else { Err("not a name that Kubernetes takes, such as apps".to_owned()) }
}

/// What a GitSync takes, and a line of YAML.
fn url(text: &str) -> Result<String, String> {
    if text.chars().any(|letter| letter.is_whitespace() || letter.is_control() || "\"'#".contains(letter)) {
        return Err("not a URL such as https://git.example.com/acme/deploy.git".into());
    }
    let parsed = crate::source::parse_url(text, false, None);
    parsed.map(|_| text.to_owned()).map_err(|error| error.to_string())
}
