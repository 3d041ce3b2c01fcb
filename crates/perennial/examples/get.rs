//! Resolves the references that are given as arguments, with vaults from the environment:
//!
//! ```console
//! $ DB_PASSWORD=hunter2 cargo run --quiet -p perennial --example get -- '{vault://env/db-password}'
//! hunter2
//! ```
//!
//! With `--features aws` or another backend it reads from that store as well.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example is a program: it reads its environment and has an output of its own"
)]

use std::error::Error;

use perennial::{Resolver, backends, from_environment};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let found = from_environment(std::env::vars_os(), &backends())?;
    let secrets = Resolver::builder()
        .backends(backends())
        .vaults(found.into_specs())
        .build()?;
    for reference in std::env::args().skip(1) {
        println!("{}", secrets.get(&reference).await?.secret().expose_str()?);
    }
    Ok(())
}
