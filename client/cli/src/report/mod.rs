//! Evidence packs: proof files, and what they prove in a form that a court or an office can read.
//!
//! A pack is made from proof files and the founding document alone, without a node: what it shows was
//! verified here, and can be verified again from what is in it.

mod page;
mod rights;

use crate::output::Rows;
use crate::rows;
use liuhen_client::error::ClientError;
use liuhen_client::event::{Event, Names};
use liuhen_genesis::{Founding, fingerprint};
use liuhen_proto::header::note::VerifierKey;
use liuhen_proto::verify::{Claim, Statement, Trust, Verified, verify_witnessed};
use liuhen_proto::wire::{self, trace::Claim as Given};
use liuhen_verify::report::{Lang, Report};
use prost::Message;
use rights::Rights;
use serde_json::json;
use sha2::{Digest, Sha256};

/// The name of the founding document in a pack.
pub const GENESIS: &str = "genesis.pb";

/// A proof file that was verified.
#[derive(Debug)]
pub struct Proof {
    /// Its name in the pack.
    name: String,
    bytes: Vec<u8>,
    trace: wire::Trace,
    verified: Verified<Statement>,
}

impl Proof {
    /// Verifies a file. Errors unless it is VALID: what is not proved is no evidence.
    pub fn new(
        founding: &Founding,
        witnesses: &[VerifierKey],
        name: String,
        bytes: Vec<u8>,
    ) -> Result<Self, ClientError> {
        let verified = verify_witnessed(founding, witnesses, &bytes)
            .map_err(|why| ClientError::Failed(format!("{name}: {why}; nothing was packed")))?;
        let trace = wire::Trace::decode(bytes.as_slice()).map_err(ClientError::failed)?;
        Ok(Self { name, bytes, trace, verified })
    }

    fn statement(&self) -> &Statement {
        self.verified.get()
    }

    /// Whether a witness saw what it stands on.
    pub fn is_witnessed(&self) -> bool {
        !self.statement().witnesses.is_empty()
    }

    /// What the verifier says of it.
    fn told(&self, founding: &Founding, lang: Lang) -> String {
        let verdict = Ok(self.verified.clone());
        Report::new(&Trust::Genesis(founding), &verdict).text(lang, false)
    }

    /// The events that it proves, with their numbers on the trail where it is one trail.
    fn events(&self) -> Vec<Event> {
        let first = match &self.statement().claim {
            Claim::Completeness(it) => it.first,
            _ => 0,
        };
        let events = self.statement().claim.events().into_iter().zip(first..);
        let read = |(it, number): (&liuhen_proto::verify::ProvedEvent, u64)| Event {
            number,
            leaf: it.leaf,
            body: it.body.clone(),
        };
        events.map(read).collect()
    }

    /// Names of identities, as the file's objects prove them.
    fn names(&self) -> Names {
        let identities = self.trace.objects.iter().filter_map(|it| {
            let identity = wire::Identity::decode(it.object.as_slice()).ok()?;
            let is = it.kind == liuhen_proto::place::ObjectKind::Identity as u32;
            is.then(|| (it.id.clone(), format!("{}/{}", identity.department, identity.code)))
        });
        identities.collect()
    }

    /// Whether the claim is about events.
    fn is_of_events(&self) -> bool {
        !matches!(self.trace.claim, Some(Given::State(_) | Given::Consistency(_) | Given::Fork(_)))
    }
}

/// A file of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Makes the files of a pack: the page, the records as CSV, the proofs, the founding document, and the
/// digests of all.
pub fn pack(
    title: &str,
    founding: &Founding,
    genesis: Vec<u8>,
    proofs: Vec<Proof>,
) -> Result<Vec<File>, ClientError> {
    let mut names = Names::new();
    let mut rights = Rights::default();
    for proof in &proofs {
        names.extend(proof.names());
        rights.learn(&proof.trace, &proof.events());
    }
    let csv = csv(&proofs, &names)?;
    let shown = proofs.iter().map(|it| page::proof(it, founding, &names, &rights)).collect();
    let mut files = vec![
        File { name: "records.csv".into(), bytes: csv.into_bytes() },
        File { name: GENESIS.into(), bytes: genesis },
    ];
    files.extend(proofs.into_iter().map(|it| File { name: it.name, bytes: it.bytes }));
    let page = page::render(page::Heading {
        title,
        chain: &founding.document().name,
        fingerprint: fingerprint(&founding.chain()),
        proofs: shown,
        files: files.iter().map(|it| (it.name.clone(), digest(&it.bytes))).collect(),
    })?;
    files.insert(0, File { name: "index.html".into(), bytes: page.into_bytes() });
    let sums: String =
        files.iter().map(|it| format!("{}  {}\n", digest(&it.bytes), it.name)).collect();
    files.push(File { name: "SHA256SUMS".into(), bytes: sums.into_bytes() });
    Ok(files)
}

fn csv(proofs: &[Proof], names: &Names) -> Result<String, ClientError> {
    let columns: Vec<&'static str> = ["proof"].into_iter().chain(rows::COLUMNS).collect();
    let mut rows = Rows::new(&columns);
    for proof in proofs.iter().filter(|it| it.is_of_events()) {
        for event in proof.events() {
            let mut row = rows::row(&event, names);
            // Of several trails, and of none, there is no one number.
            if !matches!(proof.statement().claim, Claim::Completeness(_))
                && let Some(number) = row.first_mut()
            {
                *number = serde_json::Value::Null;
            }
            rows.push([json!(proof.name)].into_iter().chain(row).collect());
        }
    }
    // With a byte order mark, by which spreadsheets know it for UTF-8.
    Ok(format!("\u{feff}{}", rows.csv(true)?))
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
