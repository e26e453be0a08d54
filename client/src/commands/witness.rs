//! `liuhen witness`: a regulator's own eyes on the ledger.

use super::Common;
use crate::connect::Node;
use crate::error::ClientError;
use crate::evidence;
use crate::output::write;
use crate::text::parse_duration;
use crate::witness::{Look, Seen, checkpoint, look};
use liuhen_genesis::Founding;
use liuhen_proto::note::{self, Kind, Note, VerifierKey};
use liuhen_proto::sign::PrivateKey;
use liuhen_proto::wire;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Witness the ledger for a regulator: see to it that it only grows, and cosign its checkpoints
#[derive(Debug, clap::Subcommand)]
pub enum Witness {
    /// Show the verifier key of --key under a name: nodes and verifiers are set up with it
    Key {
        /// The witness's name, as in gz.audit/witness: no space, no plus
        name: String,
    },
    /// Check and cosign, until interrupted; ends with the evidence when there are two histories
    Run(Run),
    /// Add to a proof file that a witness saw its anchor
    Attach {
        /// The proof file
        proof: PathBuf,
        /// Where to write it; without it: in its place
        #[arg(long)]
        out: Option<PathBuf>,
        /// How long to wait for a witness to come that far: 30s, 5m
        #[arg(long, default_value = "60s", value_parser = parse_duration)]
        wait: Duration,
    },
}

/// What a witness needs.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// The witness's name
    #[arg(long)]
    name: String,
    /// The founding document; compare its fingerprint before trusting it
    #[arg(long)]
    genesis: PathBuf,
    /// The folder where what was seen is kept
    #[arg(long)]
    folder: PathBuf,
    /// How often to look: 10s, 5m
    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    every: Duration,
    /// Look once, and end
    #[arg(long)]
    once: bool,
}

impl Witness {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        match self {
            Self::Key { name } => {
                let key = VerifierKey::new(name, Kind::Cosignature, own_key(common)?.public());
                let key = key.map_err(|e| ClientError::Usage(e.to_string()))?;
                write(&format!("{key}\n"))
            }
            Self::Run(run) => run.run(common).await,
            Self::Attach { proof, out, wait } => {
                let bytes = std::fs::read(proof).map_err(at(proof))?;
                let node = Node::connect(&common.node).await?;
                let bytes = attached(&node, &bytes, *wait).await?;
                let out = out.as_ref().unwrap_or(proof);
                replace(out, &bytes)?;
                eprintln!("{}: {} bytes", out.display(), bytes.len());
                Ok(())
            }
        }
    }
}

/// The key given with --key. A witness need not be known to the ledger.
fn own_key(common: &Common) -> Result<PrivateKey, ClientError> {
    let missing = || ClientError::Usage("--key is needed: the witness's key file".into());
    let file = common.key.as_ref().ok_or_else(missing)?;
    Ok(liuhen_keyfile::load(file, &common.passphrase(), true)?)
}

/// A proof file to which it was added that a witness saw its anchor, once one has.
pub(super) async fn attached(
    node: &Node,
    proof: &[u8],
    wait: Duration,
) -> Result<Vec<u8>, ClientError> {
    let anchor = evidence::anchor(proof)?;
    let least_size = anchor.height.next().get();
    let request = wire::GetCheckpointRequest { least_size, witnessed: true };
    let deadline = tokio::time::Instant::now() + wait;
    let note = loop {
        let answer = node.checkpoints().get_checkpoint(request).await;
        match answer.map_err(ClientError::from) {
            Ok(found) => break found.into_inner().note,
            Err(ClientError::Refused(why, _)) if why.reason == "checkpoint.not_yet" => {
                if tokio::time::Instant::now() >= deadline {
                    let why = format!("{}; is `liuhen witness run` running?", why.message);
                    return Err(ClientError::Failed(why));
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => return Err(error),
        }
    };
    let size = evidence::checkpoint(&note)?.size;
    let request = wire::ProveHeaderRequest { height: anchor.height.get(), size };
    let path = node.checkpoints().prove_header(request).await?.into_inner().path;
    evidence::witnessed(proof, wire::Witnessed { note, path })
}

impl Run {
    async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let key = own_key(common)?;
        VerifierKey::new(&self.name, Kind::Cosignature, key.public())
            .map_err(|e| ClientError::Usage(e.to_string()))?;
        let bytes = std::fs::read(&self.genesis).map_err(at(&self.genesis))?;
        let founding = Founding::from_bytes(&bytes).map_err(ClientError::failed)?;
        std::fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        self.refuse_after_fork()?;
        let mut seen = self.seen(&founding)?;
        let mut every = tokio::time::interval(self.every);
        loop {
            every.tick().await;
            let looked = self.once(common, &founding, &key, &mut seen).await;
            match looked {
                Err(error @ (ClientError::Unavailable { .. } | ClientError::Refused(..)))
                    if !self.once =>
                {
                    eprintln!("liuhen: {error}; tried again");
                }
                other => other?,
            }
            if self.once {
                return Ok(());
            }
        }
    }

    /// Looks, cosigns what is new, and brings the node the newest cosignature.
    async fn once(
        &self,
        common: &Common,
        founding: &Founding,
        key: &PrivateKey,
        seen: &mut Option<Seen>,
    ) -> Result<(), ClientError> {
        let node = Node::connect(&common.node).await?;
        match look(&node, founding, seen.as_ref()).await? {
            Look::Behind => eprintln!("liuhen: the node is behind what this witness saw"),
            Look::Fork(evidence) => return Err(self.cry(founding, &evidence)?),
            Look::Grown(now) => {
                let note = self.cosign(&node, &now, key).await?;
                *seen = Some(*now);
                bring(&node, &note).await?;
            }
            // A node that was started again has forgotten it.
            Look::Same => {
                if let Ok(note) = std::fs::read_to_string(self.file("checkpoint")) {
                    bring(&node, &note).await?;
                }
            }
        }
        Ok(())
    }

    /// Cosigns the checkpoint that ends with what was seen. It is kept before anybody is told.
    async fn cosign(
        &self,
        node: &Node,
        now: &Seen,
        key: &PrivateKey,
    ) -> Result<String, ClientError> {
        let checkpoint = checkpoint(node, &now.header).await?;
        let (text, seconds) = (checkpoint.text(), crate::submit::now().get() / 1000);
        let line = note::sign(&self.name, Kind::Cosignature, key, &text, seconds);
        let line = line.map_err(|e| ClientError::Usage(e.to_string()))?;
        let note = Note { text, lines: vec![line] }.to_string();
        replace(&self.file("anchor.trace"), &now.trace)?;
        replace(&self.file("checkpoint"), note.as_bytes())?;
        self.keep(&note)?;
        let (size, block) = (checkpoint.size, now.header.block_id());
        write(&format!("cosigned {size} headers, the last block {block}\n"))?;
        Ok(note)
    }

    fn keep(&self, note: &str) -> Result<(), ClientError> {
        let file = self.file("seen");
        let mut all = std::fs::OpenOptions::new().append(true).create(true).open(&file);
        let all = all.as_mut().map_err(|e| ClientError::Failed(e.to_string()))?;
        all.write_all(format!("{note}\n").as_bytes()).map_err(at(&file))
    }

    /// Writes the evidence, and says so.
    fn cry(&self, founding: &Founding, evidence: &[u8]) -> Result<ClientError, ClientError> {
        let shown = liuhen_proto::verify::verify(founding, evidence);
        let shown = shown.map_err(ClientError::failed)?;
        let file = self.file(&format!("fork-{}.trace", shown.get().anchor.height));
        replace(&file, evidence)?;
        let file = file.display();
        Ok(ClientError::Failed(format!(
            "FORK: the validators certified two histories. The evidence is in {file}: whoever has the \
             founding document can check it with liuhen-verify. Nothing is cosigned any more"
        )))
    }

    fn refuse_after_fork(&self) -> Result<(), ClientError> {
        for entry in std::fs::read_dir(&self.folder).map_err(at(&self.folder))? {
            let path = entry.map_err(at(&self.folder))?.path();
            let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
            if name.starts_with("fork-") {
                let why = "this witness saw two histories, and cosigns no more";
                return Err(ClientError::Failed(format!("{}: {why}", path.display())));
            }
        }
        Ok(())
    }

    /// What was seen last; nothing in a new folder.
    fn seen(&self, founding: &Founding) -> Result<Option<Seen>, ClientError> {
        let file = self.file("anchor.trace");
        match std::fs::read(&file) {
            Ok(trace) => Seen::new(founding, trace).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&file)(error)),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

async fn bring(node: &Node, note: &str) -> Result<(), ClientError> {
    let request = wire::AddCosignatureRequest { note: note.to_owned() };
    node.checkpoints().add_cosignature(request).await?;
    Ok(())
}

/// Writes a file whole or not at all.
fn replace(file: &Path, bytes: &[u8]) -> Result<(), ClientError> {
    let new = file.with_extension("new");
    let mut open = std::fs::File::create(&new).map_err(at(&new))?;
    open.write_all(bytes).and_then(|()| open.sync_all()).map_err(at(&new))?;
    std::fs::rename(&new, file).map_err(at(file))
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> ClientError {
    move |error| ClientError::Failed(format!("{}: {error}", path.display()))
}
