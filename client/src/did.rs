//! An identity of the ledger as a W3C DID document (Decentralized Identifiers v1.0). The method
//! `did:liuhen` names the chain by the first 16 digits of its id, then the identity id.

use liuhen_proto::ledger::intervals;
use liuhen_proto::suite::sign::multicodec;
use liuhen_proto::types::ChainId;
use liuhen_proto::wire::{GetIdentityResponse, Key};
use serde_json::{Value, json};

/// `did:liuhen:<16 digits of the chain id>:<identity id>`.
fn did(chain: &ChainId, identity_id: &[u8]) -> String {
    let chain: String = chain.to_string().chars().take(16).collect();
    format!("did:liuhen:{chain}:{}", hex::encode(identity_id))
}

/// The document of an identity: the keys that are in force are verification methods, and its
/// department's root controls it. Of an identity that is not in force the document has none.
pub fn document(chain: &ChainId, found: &GetIdentityResponse) -> Value {
    let identity = found.identity.clone().unwrap_or_default();
    let department = found.department.clone().unwrap_or_default();
    let id = did(chain, &identity.identity_id);
    let active = intervals::is_open(&identity.standing) && intervals::is_open(&department.standing);
    let keys = found.keys.iter().filter(|key| active && intervals::is_open(&key.standing));
    let methods: Vec<Value> = keys.map(|key| method(&id, key)).collect();
    let references: Vec<Value> = methods.iter().map(|method| method["id"].clone()).collect();
    let controller = match department.root_id.is_empty() {
        true => id.clone(),
        false => did(chain, &department.root_id),
    };
    json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": id,
        "controller": controller,
        "alsoKnownAs": [format!("liuhen:{}/{}", identity.department, identity.code)],
        "verificationMethod": methods,
        "authentication": references,
        "assertionMethod": references,
    })
}

fn method(id: &str, key: &Key) -> Value {
    let bytes = [multicodec(key.algorithm), key.public_key.as_slice()].concat();
    json!({
        "id": format!("{id}#{}", hex::encode(&key.key_id)),
        "type": "Multikey",
        "controller": id,
        "publicKeyMultibase": format!("z{}", bs58::encode(bytes).into_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use liuhen_proto::wire::{Identity, Interval};

    #[test]
    fn only_keys_in_force_are_methods() {
        let ended = Interval { until_height: Some(3), ..Interval::default() };
        let key = |id: u8, standing: Interval| Key {
            key_id: vec![id; 32],
            algorithm: 1,
            public_key: vec![id; 32],
            standing: vec![standing],
            ..Key::default()
        };
        let identity = Identity {
            identity_id: vec![7; 32],
            department: "gz.psb".into(),
            code: "officer".into(),
            standing: vec![Interval::default()],
            ..Identity::default()
        };
        let department = liuhen_proto::wire::Department {
            root_id: vec![8; 32],
            standing: vec![Interval::default()],
            ..Default::default()
        };
        let found = GetIdentityResponse {
            identity: Some(identity),
            keys: vec![key(1, Interval::default()), key(2, ended)],
            department: Some(department),
        };
        let chain = ChainId::new([0xab; 32]);
        let it = document(&chain, &found);
        let id = format!("did:liuhen:{}:{}", "ab".repeat(8), "07".repeat(32));
        assert_eq!(it["id"], json!(id));
        let methods = it["verificationMethod"].as_array().unwrap();
        assert_eq!(methods.len(), 1);
        assert_eq!(methods[0]["id"], json!(format!("{id}#{}", "01".repeat(32))));
        let multibase = methods[0]["publicKeyMultibase"].as_str().unwrap();
        assert!(multibase.starts_with("z6Mk"), "{multibase}");
        assert_eq!(
            it["controller"],
            json!(format!("did:liuhen:{}:{}", "ab".repeat(8), "08".repeat(32)))
        );
    }
}
