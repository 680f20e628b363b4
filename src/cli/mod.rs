//! The command line: one file per subcommand. Printing lives here.

pub mod print_diagnostics;
pub mod validate;
