//! The command line: one file per subcommand. Printing lives here.

pub mod render;
