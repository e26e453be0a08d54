//! Files that calls name: keys, logs, results, proofs. All are made anew for each call, so that none finds what another left.

use crate::fixed_node::people::{AUDITOR, GATEWAY, OFFICER, PORTAL};
use crate::fixed_node::{HOUR, T0, chain, proofs};
use liuhen_proto::place::ObjectKind;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_sources::reconcile::{Cause, Difference, NotCompared, Reconciliation, sign};
use prost::Message;
use std::path::Path;

/// Writes them into a new folder.
pub fn write(folder: &Path) {
    let key = |name: &str, key: &PrivateKey| {
        liuhen_keyfile::save(&folder.join(name), key, None).unwrap();
    };
    key("key.pem", &OFFICER.key());
    key("gateway.pem", &GATEWAY.key());
    key("user.pem", &PORTAL.key());
    key("auditor.pem", &AUDITOR.key());
    std::fs::create_dir(folder.join("tag-keys")).unwrap();
    key("tag-keys/gz.psb-2026.pem", &PrivateKey::from_seed(&[3; 32]));

    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
    for name in [
        "server.json",
        "population.toml",
        "known.toml",
        "approvals.csv",
        "approvals.toml",
        "catalogue.csv",
        "catalogue.toml",
    ] {
        std::fs::copy(own.join(name), folder.join(name)).unwrap();
    }
    let file = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    file("reads.jsonl", proofs::kept_reads(false).as_bytes());
    file("unsaid.jsonl", proofs::kept_reads(true).as_bytes());
    file("clean.result", result(Vec::new()).as_bytes());
    file("differs.result", result(vec![unreported(), other_rows()]).as_bytes());
    file("bent.result", result(Vec::new()).replace("\"height\":7", "\"height\":8").as_bytes());
    file("genesis.pb", &liuhen_genesis::to_bytes(chain::founding()));
    let department = proofs::state(ObjectKind::Department as u32, b"gz.psb");
    file("psb.trace", &department.encode_to_vec());
    file("seen.trace", &proofs::witnessed(&department));
}

/// A comparison that the gateway signed.
fn result(differences: Vec<Difference>) -> String {
    let result = Reconciliation {
        chain_id: chain::founding().chain().to_string(),
        height: 7,
        gateway: "gz.psb/gateway".into(),
        gateway_id: hex::encode(GATEWAY.id()),
        log_digests: vec!["02".repeat(32)],
        mapping_digest: "03".repeat(32),
        shift_ms: 0,
        from_ms: T0,
        until_ms: T0 + HOUR,
        statements: 3,
        records: 3,
        differences,
        not_compared: NotCompared { of: 5, no_access: 2, ..NotCompared::default() },
        made_ms: T0 + 2 * HOUR,
    };
    sign(&result, &GATEWAY.key()).unwrap()
}

fn unreported() -> Difference {
    Difference {
        cause: Cause::Unreported,
        statement: "6b035142.1e9d/2".into(),
        numbers: Vec::new(),
        time_ms: T0 + 3_000,
        account: hex::encode(PORTAL.id()),
        in_log: "read:civil.resident".into(),
        on_ledger: String::new(),
    }
}

fn other_rows() -> Difference {
    Difference {
        cause: Cause::Rows,
        statement: "6b035142.1e9d/1".into(),
        numbers: vec![41],
        time_ms: T0 + 2_000,
        account: hex::encode(PORTAL.id()),
        in_log: "1".into(),
        on_ledger: "3".into(),
    }
}
