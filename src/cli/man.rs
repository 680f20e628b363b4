//! `gitmoor man`: manual pages, one for each command, as packages install them.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Command, CommandFactory};

use super::Cli;

/// Arguments of `gitmoor man`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 they are printed or written, 2 error.")]
pub struct ManArgs {
    /// The command whose page is printed, as in `status` or `webhook test`. Default: gitmoor itself.
    #[arg(value_name = "COMMAND", conflicts_with = "folder")]
    pub command: Vec<String>,
    /// Write all pages into this folder, as in /usr/local/share/man/man1.
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

/// Prints a page, or writes all.
pub fn run(args: &ManArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let pages = pages()?;
    let Some(folder) = &args.folder else {
        let name = ["gitmoor"].into_iter().chain(args.command.iter().map(String::as_str)).collect::<Vec<_>>().join("-");
        let Some((_, page)) = pages.iter().find(|(known, _)| *known == name) else {
            bail!("there is no command {:?}; see: gitmoor --help", args.command.join(" "));
        };
        out.write_all(page)?;
        return Ok(ExitCode::SUCCESS);
    };
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for (name, page) in pages {
        let file = folder.join(format!("{name}.1"));
        std::fs::write(&file, page).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Every page, by its name.
fn pages() -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut all = Vec::new();
    let mut command = Cli::command();
    command.build();
    collect(&command, "gitmoor", &mut all)?;
    Ok(all)
}

fn collect(command: &Command, name: &str, all: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    let mut page = Vec::new();
    // The synopsis is what a person types; only the page has dashes in its name.
    clap_mangen::Man::new(command.clone()).title(name).render(&mut page)?;
    all.push((name.to_owned(), page));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        collect(below, &format!("{name}-{}", below.get_name()), all)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_page_with_its_options() {
        let pages = pages().unwrap();
        let page = |name: &str| {
            let (_, page) = pages.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no page {name}"));
            String::from_utf8(page.clone()).unwrap()
        };
        assert!(page("gitmoor").contains(".TH gitmoor 1"));
        assert!(page("gitmoor-install").contains("prevention"), "{}", page("gitmoor-install"));
        assert!(page("gitmoor-webhook-test").contains("token"));
    }
}
