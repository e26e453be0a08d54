//! `liuhen witness`: a regulator's own eyes on the ledger.

use super::Common;
use crate::output::{write, wrote};
use crate::tell;
use crate::text::parse_duration;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::evidence;
use liuhen_client::lang::pick;
use liuhen_client::witness::{Look, Seen, checkpoint, look};
use liuhen_genesis::Founding;
use liuhen_proto::header::note::{self, Kind, Note, VerifierKey};
use liuhen_proto::suite::sign::PrivateKey;
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

/// How long a node may take for what one look asks of it.
const PATIENCE: Duration = Duration::from_secs(60);

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
                let node = common.reach().await?;
                let named = |e| ClientError::failed(format!("{}: {e}", proof.display()));
                evidence::anchor(&bytes).map_err(named)?;
                let bytes = attached(&node, &bytes, *wait).await?;
                let out = out.as_ref().unwrap_or(proof);
                replace(out, &bytes)?;
                wrote(out, bytes.len());
                Ok(())
            }
        }
    }
}

/// The key given with --key. A witness need not be known to the ledger.
fn own_key(common: &Common) -> Result<PrivateKey, ClientError> {
    let (why, why_zh) = ("--key is needed: the witness's key file", "需要 --key：见证方的密钥文件");
    let missing = || ClientError::usage(why, why_zh);
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
        let _alone = self.lock()?;
        self.refuse_after_fork()?;
        let mut seen = self.seen(&founding)?;
        let mut every = tokio::time::interval(self.every);
        loop {
            every.tick().await;
            let looked = self.look_once(common, &founding, &key, &mut seen);
            // A node that holds an answer back must not stop the witness.
            let looked = tokio::time::timeout(PATIENCE, looked).await;
            let looked = looked.unwrap_or_else(|_| Err(Seldom::Else(silent())));
            match looked {
                Err(Seldom::Fork(error)) => return Err(error),
                Err(Seldom::Else(error)) if !self.once => {
                    tell!("liuhen: {error}; tried again");
                }
                Err(Seldom::Else(error)) => return Err(error),
                Ok(()) if self.once => return Ok(()),
                Ok(()) => {}
            }
        }
    }

    /// Looks, cosigns what is new, and brings the node the newest cosignature.
    async fn look_once(
        &self,
        common: &Common,
        founding: &Founding,
        key: &PrivateKey,
        seen: &mut Option<Seen>,
    ) -> Result<(), Seldom> {
        let node = common.reach().await?;
        match look(&node, founding, seen.as_ref()).await? {
            Look::Behind => tell!("liuhen: the node is behind what this witness saw"),
            Look::Fork(evidence) => return Err(self.report_fork(founding, &evidence)?),
            Look::Grown(now) => {
                let note = self.cosign(&node, &now, key).await?;
                *seen = Some(*now);
                bring(&node, &note).await?;
            }
            // A node that was started again has forgotten it; and this witness may have ended before it
            // had signed what it had seen.
            Look::Same => {
                if let Some(seen) = seen {
                    let note = match self.signed_of(seen) {
                        Some(note) => note,
                        None => self.cosign(&node, seen, key).await?,
                    };
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
        let (text, seconds) = (checkpoint.text(), liuhen_client::clock::now().get() / 1000);
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

    /// What was signed last, if it is of what was seen last.
    fn signed_of(&self, seen: &Seen) -> Option<String> {
        let note = std::fs::read_to_string(self.file("checkpoint")).ok()?;
        let size = evidence::checkpoint(&note).ok()?.size;
        (size == seen.header.height.next().get()).then_some(note)
    }

    fn keep(&self, note: &str) -> Result<(), ClientError> {
        let file = self.file("seen");
        let mut all = std::fs::OpenOptions::new().append(true).create(true).open(&file);
        let all = all.as_mut().map_err(|e| ClientError::Failed(e.to_string()))?;
        let wrote = all.write_all(format!("{note}\n").as_bytes()).and_then(|()| all.sync_all());
        wrote.map_err(at(&file))
    }

    /// Writes the evidence, and says so.
    fn report_fork(&self, founding: &Founding, evidence: &[u8]) -> Result<Seldom, ClientError> {
        let height = evidence::anchor(evidence)?.height;
        // Kept first, whatever it is.
        let file = self.file(&format!("doubt-{height}.trace"));
        replace(&file, evidence)?;
        if let Err(why) = liuhen_proto::verify::verify(founding, evidence) {
            let (file, node) = (file.display(), "the node showed what does not fit");
            return Err(ClientError::Failed(format!("{node}: {why}; it is kept in {file}")));
        }
        let fork = self.file(&format!("fork-{height}.trace"));
        std::fs::rename(&file, &fork).map_err(at(&fork))?;
        let file = fork.display();
        Ok(Seldom::Fork(ClientError::Failed(format!(
            "FORK: the validators certified two histories. The evidence is in {file}: whoever has the \
             founding document can check it with liuhen-verify. Nothing is cosigned any more"
        ))))
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

    /// Holds the folder for this process: two that cosign from one could each see another history.
    fn lock(&self) -> Result<std::fs::File, ClientError> {
        let path = self.folder.join("lock");
        let file = std::fs::File::create(&path).map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(_) => {
                let used =
                    pick("another witness runs in this folder", "已有另一个见证程序使用该目录");
                Err(ClientError::failed(format!("{}: {used}", self.folder.display())))
            }
        }
    }

    /// What was seen last; nothing in a new folder.
    fn seen(&self, founding: &Founding) -> Result<Option<Seen>, ClientError> {
        let file = self.file("anchor.trace");
        match std::fs::read(&file) {
            Ok(trace) => Seen::new(founding, trace).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let signed = self.file("checkpoint");
                if signed.exists() {
                    let why = "something was signed here, and what was seen is missing";
                    return Err(ClientError::Failed(format!("{}: {why}", signed.display())));
                }
                Ok(None)
            }
            Err(error) => Err(at(&file)(error)),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// What ends a look.
enum Seldom {
    /// Two histories; nothing more is signed.
    Fork(ClientError),
    /// Anything else; another look may do better.
    Else(ClientError),
}

impl From<ClientError> for Seldom {
    fn from(error: ClientError) -> Self {
        Self::Else(error)
    }
}

fn silent() -> ClientError {
    ClientError::failed(format!("the node gave no answer in {} s", PATIENCE.as_secs()))
}

async fn bring(node: &Node, note: &str) -> Result<(), ClientError> {
    let request = wire::AddCosignatureRequest { note: note.to_owned() };
    node.checkpoints().add_cosignature(request).await?;
    Ok(())
}

/// Writes a file whole or not at all.
fn replace(file: &Path, bytes: &[u8]) -> Result<(), ClientError> {
    let new = file.with_extension("liuhen-new");
    let mut open = std::fs::File::create(&new).map_err(at(&new))?;
    open.write_all(bytes).and_then(|()| open.sync_all()).map_err(at(&new))?;
    std::fs::rename(&new, file).map_err(at(file))?;
    // The name, too, is to outlive a power cut.
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    std::fs::File::open(folder).and_then(|it| it.sync_all()).map_err(at(folder))
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> ClientError {
    move |error| ClientError::Failed(format!("{}: {error}", path.display()))
}
