//! The last words of a process that ends by an error: a line for people, or one line of JSON like those of the log, for
//! whoever reads a daemon's lines as such. That line is written whatever is logged otherwise.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Write};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::run::Format;
use super::{Cli, Color, Command, colors, inert};
use crate::cluster::CallError;

/// How a process says why it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// As a line for people.
    Text,
    /// As a line of a log.
    Json,
}

impl Words {
    /// Those of a command. A daemon's are as its log; what syncs once is asked for them, for people read what it says.
    pub fn of(command: &Command) -> Self {
        match command {
            Command::Run(args) => Self::of_daemon(args.daemon.log_format, std::io::stderr().is_terminal()),
            Command::Sync(args) => Self::of_daemon(args.daemon.log_format, true),
            _ => Self::Text,
        }
    }

    /// Those of arguments that cannot be read.
    pub fn of_arguments(arguments: impl Iterator<Item = OsString>) -> Self {
        Self::guess(arguments, std::io::stderr().is_terminal())
    }

    fn of_daemon(format: Option<Format>, terminal: bool) -> Self {
        match format {
            Some(Format::Json) => Self::Json,
            None if !terminal => Self::Json,
            Some(Format::Text) | None => Self::Text,
        }
    }

    fn guess(arguments: impl Iterator<Item = OsString>, terminal: bool) -> Self {
        const FLAG: &str = "--log-format";
        let arguments: Vec<_> = arguments.skip(1).collect();
        let asked = arguments.iter().enumerate().rev().find_map(|(index, argument)| {
            let argument = argument.to_str()?;
            let next = || arguments.get(index + 1).and_then(|next| next.to_str());
            argument
                .strip_prefix(FLAG)
                .and_then(|rest| rest.strip_prefix('=').or_else(|| rest.is_empty().then(next)?))
        });
        let is = |command: &str| arguments.iter().any(|argument| argument == OsStr::new(command));
        match asked {
            Some("json") => Self::Json,
            Some(_) => Self::Text,
            None => Self::of_daemon(None, terminal || !is("run")),
        }
    }

    /// Says why it ends. Nothing can be done when stderr is gone.
    pub fn say(self, error: &anyhow::Error, color: Color) {
        let mut stderr = std::io::stderr();
        let _ = match self {
            Self::Text => {
                let red = if colors(color, &stderr) { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
                writeln!(stderr, "{}error:{} {}", red.0, red.1, inert::inert(&format!("{error:#}")))
            }
            Self::Json => writeln!(stderr, "{}", line(error, Timestamp::now())),
        };
    }
}

/// The line of a log, with the reason and the code of what failed where that was a call.
fn line(error: &anyhow::Error, now: Timestamp) -> Value {
    let mut line = json!({
        "timestamp": now.to_string(), "level": "ERROR", "message": "this process ends by an error",
        "error": format!("{error:#}"), "target": "gitmoor::cli"
    });
    if let Some(call) = error.chain().find_map(|cause| cause.downcast_ref::<CallError>()) {
        (line["reason"], line["code"]) = (call.reason().into(), call.code().into());
    }
    line
}

impl Cli {
    /// Reads the arguments of this process. One that cannot be read ends it.
    pub(super) fn read() -> Self {
        use clap::FromArgMatches;
        let mut command = super::named::command(std::env::args_os().next().as_deref());
        let read = command.try_get_matches_from_mut(std::env::args_os());
        let read = read.and_then(|mut matches| {
            Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
        });
        read.unwrap_or_else(|error| {
            let words = Words::of_arguments(std::env::args_os());
            // Help and versions are asked for, and no errors.
            if words == Words::Text || !error.use_stderr() {
                error.exit();
            }
            let said = error.to_string();
            words.say(&anyhow::Error::msg(said.trim().trim_start_matches("error: ").to_owned()), Color::Never);
            std::process::exit(error.exit_code());
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_the_log_is() {
        let check = |arguments: &str, terminal: bool, json: bool| {
            let arguments = arguments.split(' ').map(OsString::from);
            let expected = if json { Words::Json } else { Words::Text };
            assert_eq!(Words::guess(arguments.clone(), terminal), expected, "{arguments:?} {terminal}");
        };
        check("gitmoor run --typo", false, true);
        check("gitmoor run --typo", true, false);
        check("gitmoor run --log-format text --typo", false, false);
        check("gitmoor run --typo --log-format=json", true, true);
        check("gitmoor run --log-format json", true, true);
        check("gitmoor run --log-format", false, true);
        check("gitmoor sync --typo", false, false);
        check("gitmoor sync --log-format json --typo", false, true);
        check("gitmoor status --typo", false, false);
    }

    #[test]
    fn an_error_is_a_line_of_a_log_with_its_code_where_it_has_one() {
        let now: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let told = line(&anyhow::anyhow!("one").context("two\nlines"), now);
        assert_eq!((&told["error"], &told["level"]), (&json!("two\nlines: one"), &json!("ERROR")), "{told}");
        assert_eq!((told.get("code"), told.to_string().lines().count()), (None, 1));
        let call = anyhow::Error::from(CallError::KindMissing("GitSync".into())).context("cannot work with gitsyncs");
        let told = line(&call, now);
        assert_eq!(told["reason"], "KindMissing");
        assert!(told["code"].as_str().is_some_and(|code| code.starts_with("GM")), "{told}");
    }
}
