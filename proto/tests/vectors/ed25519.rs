//! Signatures: RFC 8032, and wycheproof's edge cases by the one rule, ZIP-215.

use super::{folder, read};
use liuhen_proto::suite::sign::{PrivateKey, PublicKey, Signature, Signed, verify_many};
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Rfc8032 {
    tests: Vec<Rfc8032Case>,
}

#[derive(Deserialize)]
struct Rfc8032Case {
    name: String,
    sk: String,
    pk: String,
    msg: String,
    sig: String,
}

#[test]
fn rfc8032_signs_and_verifies() {
    let Some(folder) = folder() else { return };
    let vectors: Rfc8032 = read(&folder.join("rfc8032_ed25519.json"));
    assert_eq!(vectors.tests.len(), 3);
    for case in vectors.tests {
        let name = case.name;
        let seed: [u8; 32] = hex::decode(case.sk).unwrap().try_into().unwrap();
        let message = hex::decode(case.msg).unwrap();
        let signature = Signature::from_slice(&hex::decode(case.sig).unwrap()).unwrap();
        let key = PrivateKey::from_seed(&seed);
        assert_eq!(hex::encode(key.public().as_bytes()), case.pk, "{name}");
        assert_eq!(key.sign(&message), signature, "{name}");
        assert!(key.public().verify(&message, &signature), "{name}");
        assert!(!key.public().verify(&[&message[..], b"x"].concat(), &signature), "{name}");
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wycheproof {
    number_of_tests: usize,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    public_key: Key,
    tests: Vec<Case>,
}

#[derive(Deserialize)]
struct Key {
    pk: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    tc_id: u32,
    comment: String,
    msg: String,
    sig: String,
    result: String,
}

/// Cases that wycheproof calls invalid by RFC 8032 and ZIP-215 takes by design, each with why.
const TAKEN_BY_ZIP215: [(u32, &str); 1] = [(
    151,
    "R encodes y = 1 with the sign bit set: ZIP-215 takes encodings that are not canonical, so R \
     is the identity, and the equation holds",
)];

/// One case whose signature has 64 bytes, with its key.
struct Whole {
    case: Case,
    key: PublicKey,
    message: Vec<u8>,
    signature: Signature,
}

impl Whole {
    fn signed(&self) -> Signed<'_> {
        Signed { key: self.key, message: &self.message, signature: self.signature }
    }

    fn is_good(&self) -> bool {
        self.key.verify(&self.message, &self.signature)
    }
}

/// Every case with a signature of 64 bytes; those of another length can't even be written down as
/// one, and must be marked invalid.
fn cases() -> Option<Vec<Whole>> {
    let vectors: Wycheproof = read(&folder()?.join("wycheproof/ed25519_test.json"));
    let (mut whole, mut short) = (Vec::new(), 0);
    for group in vectors.test_groups {
        let key = PublicKey::from_slice(&hex::decode(&group.public_key.pk).unwrap()).unwrap();
        for case in group.tests {
            let message = hex::decode(&case.msg).unwrap();
            match Signature::from_slice(&hex::decode(&case.sig).unwrap()) {
                Ok(signature) => whole.push(Whole { case, key, message, signature }),
                Err(_) => {
                    assert_eq!(case.result, "invalid", "{}", case.tc_id);
                    short += 1;
                }
            }
        }
    }
    assert_eq!((vectors.number_of_tests, whole.len(), short), (151, 139, 12));
    Some(whole)
}

#[test]
fn wycheproof_by_zip215() {
    let Some(cases) = cases() else { return };
    let mut taken = BTreeSet::new();
    let (mut valid, mut refused) = (0, 0);
    for it in &cases {
        let good = it.is_good();
        let name = format!("{}: {}", it.case.tc_id, it.case.comment);
        match it.case.result.as_str() {
            "valid" => {
                assert!(good, "{name}");
                valid += 1;
            }
            "invalid" if good => {
                taken.insert(it.case.tc_id);
            }
            "invalid" => refused += 1,
            other => panic!("{name}: result {other}"),
        }
    }
    assert_eq!(taken, TAKEN_BY_ZIP215.iter().map(|(id, _)| *id).collect());
    assert_eq!((valid, refused), (88, 51 - TAKEN_BY_ZIP215.len()));
}

/// Whatever stands beside a signature, the answer is the same as alone.
#[test]
fn batch_and_single_agree_on_every_case() {
    let Some(cases) = cases() else { return };
    let all: Vec<Signed<'_>> = cases.iter().map(Whole::signed).collect();
    let alone: Vec<bool> = cases.iter().map(Whole::is_good).collect();
    assert_eq!(verify_many(&all), alone);
    let good: Vec<Signed<'_>> = cases.iter().filter(|it| it.is_good()).map(Whole::signed).collect();
    assert!(verify_many(&good).into_iter().all(|answer| answer));
    for (case, expected) in cases.iter().zip(alone) {
        let pair = [good[0], case.signed(), good[1]];
        let name = case.case.tc_id;
        assert_eq!(verify_many(&[case.signed()]), [expected], "{name}");
        assert_eq!(verify_many(&pair), [true, expected, true], "{name}");
    }
}
