//! Completions and man pages, both from the description of the command line.

use std::fs;
use std::io::Write;
use std::path::Path;

use clap_complete::Shell;

use crate::command;
use crate::report::{Failure, Outcome};

pub(crate) fn completions(shell: Shell, output: &mut dyn Write) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "perennial", &mut script);
    output.write_all(&script).map_err(Failure::Output)
}

pub(crate) fn man_pages(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(Failure::Output)?;
    clap_mangen::generate_to(command(), folder).map_err(Failure::Output)
}
