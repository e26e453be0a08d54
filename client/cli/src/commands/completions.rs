//! `liuhen completions`.

use super::Cli;
use clap::CommandFactory;
use liuhen_client::error::ClientError;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    shell: clap_complete::Shell,
}

impl Completions {
    /// Prints them.
    pub fn run(&self) -> Result<(), ClientError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "liuhen", &mut script);
        crate::output::write(&String::from_utf8(script).map_err(ClientError::failed)?)
    }
}
