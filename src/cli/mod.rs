//! The command line: one file per subcommand. Printing lives here.

mod print_diagnostics;
pub mod render;
pub mod validate;
