//! `liuhen-node genesis`: composing, checking and reading out the founding document.

use anyhow::Context as _;
use liuhen_genesis::{Founding, build, compose, fingerprint, to_bytes};
use std::path::{Path, PathBuf};

/// Compose, build and check the founding document
#[derive(Debug, clap::Subcommand)]
pub enum Genesis {
    /// Compose the readable source from the consortium's part and the departments' join files
    Compose {
        /// Name, time and parameters of the consortium, TOML
        #[arg(long)]
        consortium: PathBuf,
        /// Where to write the source
        #[arg(long)]
        out: PathBuf,
        /// The departments' join files
        #[arg(required = true)]
        joins: Vec<PathBuf>,
    },
    /// Check a source and make the founding document
    Build {
        /// The source, TOML
        source: PathBuf,
        /// Where to write the document
        #[arg(long)]
        out: PathBuf,
    },
    /// Show chain id and fingerprint of a founding document
    Show {
        /// The document
        document: PathBuf,
    },
}

impl Genesis {
    /// Does it.
    pub fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Compose { consortium, out, joins } => compose_files(consortium, out, joins),
            Self::Build { source, out } => {
                let text = read(source)?;
                let founding =
                    build(&text).map_err(|e| anyhow::anyhow!("{}: {e}", source.display()))?;
                write(out, &to_bytes(&founding))?;
                show(&founding);
                Ok(())
            }
            Self::Show { document } => {
                let bytes = std::fs::read(document)
                    .with_context(|| format!("read {}", document.display()))?;
                show(&Founding::from_bytes(&bytes)?);
                Ok(())
            }
        }
    }
}

fn compose_files(consortium: &Path, out: &Path, joins: &[PathBuf]) -> anyhow::Result<()> {
    let head = read(consortium)?;
    let mut texts = Vec::with_capacity(joins.len());
    for join in joins {
        texts.push((join.display().to_string(), read(join)?));
    }
    let name = consortium.display().to_string();
    let source = compose((&name, &head), &texts)
        .map_err(|(file, error)| anyhow::anyhow!("{file}: {error}"))?;
    write(out, source.as_bytes())?;
    eprintln!("Composed {} from {} departments.", out.display(), joins.len());
    Ok(())
}

fn show(founding: &Founding) {
    println!("chain name   {}", founding.document().name);
    println!("chain id     {}", founding.chain());
    println!("fingerprint  {}", fingerprint(&founding.chain()));
    println!("validators   {}", founding.validators().all().len());
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("write {}", path.display()))
}
