//! `gitmoor crds`: the CRDs, to be installed or committed.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use crate::api::{crds, json_schema};

/// Arguments of `gitmoor crds`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 they are printed, 2 error.")]
pub struct CrdsArgs {
    /// One of them only.
    #[arg(long, value_enum)]
    pub kind: Option<Kind>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Output::Yaml)]
    pub output: Output,
}

/// A kind of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// GitSync.
    Gitsync,
    /// MicroService.
    Microservice,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// A YAML stream.
    Yaml,
    /// A List as JSON.
    Json,
    /// A JSON Schema for editors, of the one kind that --kind names.
    Schema,
}

/// Prints them.
pub fn run(args: &CrdsArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let all = match args.kind {
        None => crds::all().to_vec(),
        Some(Kind::Gitsync) => vec![crds::gitsync()],
        Some(Kind::Microservice) => vec![crds::microservice()],
    };
    match args.output {
        Output::Schema => {
            let [crd] = all.as_slice() else {
                bail!("a schema is of one kind: add --kind gitsync or --kind microservice")
            };
            serde_json::to_writer_pretty(&mut *out, &json_schema::of(crd))?;
            writeln!(out)?;
        }
        Output::Yaml => {
            for (index, crd) in all.iter().enumerate() {
                if index > 0 {
                    writeln!(out, "---")?;
                }
                write!(out, "{}", serde_yaml::to_string(crd).context("cannot print a CRD")?)?;
            }
        }
        Output::Json => {
            let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": all});
            serde_json::to_writer_pretty(&mut *out, &list)?;
            writeln!(out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
