//! The command line: what can be asked for, and the help for it.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

#[derive(Debug, Parser)]
#[command(name = "perennial", version, about, long_about = LONG_ABOUT, after_long_help = AFTER)]
#[command(arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const LONG_ABOUT: &str = "\
Resolves references such as {vault://env/db-password}.

A reference names a vault, a resource in it and, after the last slash, a key in the resource. Vaults \
are configured by environment variables: PERENNIAL_VAULT_<VAULT>_<FIELD>, or KONG_VAULT_<TYPE>_<FIELD> \
as the original spells it. PERENNIAL_VAULT_<NAME>_BACKEND=<type> declares a vault of your own.";

const AFTER: &str = "\
Exit codes:
  0  ok
  1  unexpected
  2  usage
  3  not found: the secret, its version, or a key in it
  4  denied, or not authenticated
  5  unavailable, throttled, timed out, expired or closed
  6  invalid configuration or reference
With several references it is the code of the first that failed.

Values go to standard output only, everything else to standard error.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Get(Get),
    Explain(Explain),
    Watch(Watch),
    /// Print a completion script for a shell
    #[command(after_help = "\
Examples:
  perennial completions bash > /etc/bash_completion.d/perennial
  perennial completions zsh > ~/.zfunc/_perennial
  perennial completions fish > ~/.config/fish/completions/perennial.fish")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the man pages into a folder
    #[command(hide = true)]
    Man {
        /// The folder, which is made if it is not there
        folder: PathBuf,
    },
}

/// Resolve references and print their values
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  perennial get '{vault://env/db-password}'
  perennial get env/db-password
  perennial get --json env/db/user env/db/password
  PGPASSWORD=\"$(perennial get env/db-password)\" psql

Without --json nothing is printed unless every reference can be resolved, so that no line stands \
where another one was expected.")]
pub(crate) struct Get {
    /// References; {vault://env/x} can be written env/x
    #[arg(required = true, value_name = "REF")]
    pub(crate) references: Vec<String>,

    /// Print one JSON object a line for each reference: its value, or why there is none
    #[arg(long)]
    pub(crate) json: bool,

    /// Do not print the newline at the end
    #[arg(short = 'n', long, conflicts_with = "json")]
    pub(crate) no_newline: bool,
}

/// Explain references part by part, without fetching anything
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  perennial explain '{vault://env/db-password?ttl=600}'
  perennial explain --json env/db-password
  perennial explain --syntax --json --stdin < references.txt

With --stdin each line is answered by a line, an empty one too, and the exit code is 0 once all \
were.")]
pub(crate) struct Explain {
    /// References; {vault://env/x} can be written env/x, except with --syntax
    #[arg(required_unless_present = "stdin", value_name = "REF")]
    pub(crate) references: Vec<String>,

    /// Look at the text alone, not at what it means to its vault
    #[arg(long)]
    pub(crate) syntax: bool,

    /// Print one JSON object a line for each reference
    #[arg(long)]
    pub(crate) json: bool,

    /// Read references from standard input, one a line, exactly as they stand there
    #[arg(long, requires_all = ["syntax", "json"], conflicts_with = "references")]
    pub(crate) stdin: bool,
}

/// Watch references and print a line for each thing that happens to them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  perennial watch env/db-password fs/db/user
  perennial watch --json '{vault://fs/db/password?ttl=60}'

What happens: current (at the start), rotated, refresh_failed, stale, expired, missing, recovered, and \
for a whole vault vault_down and vault_up. No value is printed without --reveal. It goes on until it \
is interrupted.")]
pub(crate) struct Watch {
    /// References; {vault://env/x} can be written env/x
    #[arg(required = true, value_name = "REF")]
    pub(crate) references: Vec<String>,

    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,

    /// Print values as well
    #[arg(long)]
    pub(crate) reveal: bool,
}

/// Writes what stands for a reference on the command line in full.
pub(crate) fn in_full(text: &str) -> String {
    if perennial::is_reference(text) {
        text.to_owned()
    } else if text.starts_with("vault://") {
        format!("{{{text}}}")
    } else {
        format!("{{vault://{text}}}")
    }
}
