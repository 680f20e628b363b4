//! Prints a list of drifted fields.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::api::status::DriftedField;
use crate::cli::inert::inert;
use crate::cli::table::{BAD, FAINT, GOOD, ODD, STRONG, painted};
use crate::model::Revision;
use crate::report::drift::declaration;
use crate::view::drift::difference;
pub use crate::view::drift::{End, Found, Level, Report, Wanted};

impl Report {
    /// 1 when something differs now, else 0.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(self.standing > 0))
    }

    /// Prints it for people.
    pub fn print(&self, out: &mut dyn Write, color: bool) -> io::Result<()> {
        group(out, &self.drift, color)?;
        if !self.history.is_empty() {
            writeln!(out, "{}", painted("Ended:", STRONG, color))?;
            group(out, &self.history, color)?;
        }
        for (object, words) in &self.restraints {
            words
                .iter()
                .try_for_each(|words| writeln!(out, "{}", painted(&format!("{object}: {words}"), BAD, color)))?;
        }
        writeln!(out, "{}", self.summary())
    }

    /// How many fields differ, in words.
    pub fn summary(&self) -> String {
        match (self.standing, self.drift.len()) {
            (0, _) => "everything is as declared".to_owned(),
            (1, 1) => "1 field differs".to_owned(),
            (standing, listed) if standing as usize > listed => {
                format!("{standing} fields differ, {listed} of them are listed")
            }
            (standing, _) => format!("{standing} fields differ"),
        }
    }
}

/// Prints fields below the MicroService that they belong to.
fn group(out: &mut dyn Write, all: &[Found], color: bool) -> io::Result<()> {
    let mut before: Option<&Found> = None;
    for found in all {
        if before.is_none_or(|before| before.micro_service != found.micro_service) {
            if before.is_some() {
                writeln!(out)?;
            }
            write!(out, "{}", painted(&found.micro_service, STRONG, color))?;
            if let Some(source) = &found.source {
                let revision = Revision(source.revision.as_str().into()).short();
                let place = format!("  declared at {}:{} of {revision}", source.file, source.line);
                write!(out, "{}", painted(&place, FAINT, color))?;
            }
            writeln!(out)?;
        }
        found.print(out, color)?;
        before = Some(found);
    }
    if before.is_some() { writeln!(out) } else { Ok(()) }
}

impl Level {
    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Workload => "workload",
        }
    }
}

impl Found {
    fn print(&self, out: &mut dyn Write, color: bool) -> io::Result<()> {
        let DriftedField { kind, object, change, .. } = &self.field;
        let (sign, style) = match change.as_str() {
            "Added" => ("+", GOOD),
            "Removed" | "Deleted" | "Terminating" => ("-", BAD),
            _ => ("~", ODD),
        };
        let level = format!("{:8}", self.level.as_str());
        let line = format!("{sign} {kind} {object} {}", self.difference());
        writeln!(out, "  {} {}", painted(&level, FAINT, color), painted(&line, style, color))?;
        writeln!(out, "             {}", painted(&inert(&self.hand()), FAINT, color))?;
        match self.declared_at() {
            Some(at) => writeln!(out, "             {}", painted(&inert(&at), FAINT, color)),
            None => Ok(()),
        }
    }

    /// What differs, without the object.
    pub fn difference(&self) -> String {
        difference(&self.field)
    }

    /// Whose hand it was, and what became of it.
    fn hand(&self) -> String {
        format!("{}; {}", self.who(), self.outcome())
    }

    /// Whose hand it was, and when.
    pub fn who(&self) -> String {
        let field = &self.field;
        let manager = field.manager.as_deref().unwrap_or("unknown");
        let who = field.user.as_ref().map_or_else(|| manager.to_owned(), |user| format!("{user} with {manager}"));
        let operation = field.operation.as_ref().map(|operation| format!(", {operation}")).unwrap_or_default();
        let written = field.time.as_ref().map(|time| format!(" at {}", time.0)).unwrap_or_default();
        let began = field.began.as_ref().map(|began| format!(", differs since {}", began.0)).unwrap_or_default();
        format!("by {who}{operation}{written}, seen {}{began}", field.observed.0)
    }

    /// What is done about it, or how it ended.
    pub fn outcome(&self) -> String {
        let policy = self.field.policy.unwrap_or_default().as_str();
        self.end.as_ref().map_or_else(|| format!("policy {policy}"), End::sentence)
    }

    /// The line and the commit that declare the value.
    pub fn declared_at(&self) -> Option<String> {
        Some(format!("declared at {}", declaration(self.field.declared_at.as_ref()?)))
    }
}

#[cfg(test)]
mod tests;
