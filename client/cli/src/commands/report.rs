//! `liuhen report`: what others are handed.

use crate::output::say;
use crate::report::{File, GENESIS, Proof, pack};
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use liuhen_genesis::Founding;
use liuhen_proto::header::note::VerifierKey;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Reports to hand over
#[derive(Debug, clap::Subcommand)]
pub enum Report {
    /// Put proof files into a pack that a court or an office can read; needs no node
    Evidence(Evidence),
}

/// What goes into a pack, and where it goes.
#[derive(Debug, clap::Args)]
pub struct Evidence {
    /// Proof files; each must be VALID
    #[arg(required = true)]
    proofs: Vec<PathBuf>,
    /// The founding document; compare its fingerprint before trusting it
    #[arg(long)]
    genesis: PathBuf,
    /// A new folder; or a new file whose name ends in .zip
    #[arg(long)]
    out: PathBuf,
    /// What stands above the page
    #[arg(long, default_value = "数据访问证据 Evidence of access to data")]
    title: String,
    /// A witness whose cosignature counts: its verifier key; may be repeated
    #[arg(long = "witness", value_name = "KEY", value_parser = VerifierKey::cosigner)]
    witnesses: Vec<VerifierKey>,
    /// Pack what no witness saw: whoever holds keys of two thirds of the validators of any time could have made it
    #[arg(long)]
    unwitnessed: bool,
}

impl Report {
    /// Makes it.
    pub fn run(&self) -> Result<(), ClientError> {
        match self {
            Self::Evidence(it) => it.run(),
        }
    }
}

impl Evidence {
    fn run(&self) -> Result<(), ClientError> {
        let genesis = read(&self.genesis)?;
        let at = |e: liuhen_genesis::FoundingError| {
            ClientError::Failed(format!("{}: {e}", self.genesis.display()))
        };
        let founding = Founding::from_bytes(&genesis).map_err(at)?;
        let (mut proofs, mut names) = (Vec::new(), BTreeSet::new());
        for path in &self.proofs {
            let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default().to_owned();
            if !name.ends_with(".trace") || !names.insert(name.clone()) {
                let path = path.display();
                return Err(ClientError::usage(
                    format!("{path}: proofs have names that end in .trace, and differ"),
                    format!("{path}：证明文件名须以 .trace 结尾，且互不相同"),
                ));
            }
            let proof = Proof::new(&founding, &self.witnesses, name, read(path)?)?;
            if !self.unwitnessed && !proof.is_witnessed() {
                return Err(unwitnessed(path));
            }
            proofs.push(proof);
        }
        let files = pack(&self.title, &founding, genesis, proofs)?;
        let zipped = self.out.extension().is_some_and(|it| it == "zip");
        let wrote = if zipped { zip(&self.out, &files) } else { folder(&self.out, &files) };
        wrote.map_err(|e| ClientError::Failed(format!("{}: {e}", self.out.display())))?;
        let page = if zipped { self.out.clone() } else { self.out.join("index.html") };
        let (page, count) = (page.display(), files.len());
        let told = format!("{page}: {count} files, with {GENESIS} and the proofs");
        say(told, format!("{page}：共 {count} 个文件，含 {GENESIS} 和各证明文件"));
        Ok(())
    }
}

fn unwitnessed(path: &Path) -> ClientError {
    let path = path.display();
    let why = format!(
        "{path}: no witness that --witness names saw what it stands on, and keys of former validators could have made it: \
         attach one (liuhen witness attach), name it, or say --unwitnessed; nothing was packed"
    );
    let why_zh = format!(
        "{path}：没有 --witness 所指的见证方见证过其锚点，历任验证节点的密钥可能伪造：请附上见证（liuhen witness attach）并指明，\
         或加 --unwitnessed；未打包任何文件"
    );
    ClientError::failed(pick(&why, &why_zh))
}

fn read(path: &Path) -> Result<Vec<u8>, ClientError> {
    std::fs::read(path).map_err(|e| ClientError::Failed(format!("{}: {e}", path.display())))
}

/// A new folder: what is there already is not touched.
fn folder(out: &Path, files: &[File]) -> std::io::Result<()> {
    std::fs::create_dir(out)?;
    files.iter().try_for_each(|it| std::fs::write(out.join(&it.name), &it.bytes))
}

fn zip(out: &Path, files: &[File]) -> std::io::Result<()> {
    let mut archive = ZipWriter::new(std::fs::File::create_new(out)?);
    for it in files {
        archive.start_file(it.name.as_str(), SimpleFileOptions::default())?;
        archive.write_all(&it.bytes)?;
    }
    archive.finish()?.sync_all()
}
