//! Runs the tables of cases, and sees to it that every refusal is reached by one.

use crate::items::access::tests::{
    bulk, corrections, gateways, halves, leases, observing, sealing, seals,
};
use crate::items::catalogue::tests::datasets;
use crate::items::governance::tests::votes;
use crate::items::member::tests::{departments, identities, successions};
use crate::items::oversight::tests::{alerts, cases, double_votes, products, voided};
use crate::items::reading::tests::reads;
use crate::items::sharing::tests::{delegation, emergency, grants, permits, workflow};
use crate::ledger::{
    Halt, Lang, Refusal,
    tests::{
        roots, rules, signers,
        stage::{Staged, staged},
    },
};
use crate::tx::Tx;
use std::collections::BTreeSet;

/// What is tried, the code by which it is refused (none: accepted), and the transaction.
pub(crate) type Case = (&'static str, Option<&'static str>, fn(&mut Staged) -> Tx);

/// Accepted.
pub(crate) const OK: Option<&str> = None;

/// Codes that no case here can reach, and why.
const IMPOSSIBLE: [(&str, &str); 1] =
    [("signature.bad", "signatures are judged by the caller, in batches, before the rules")];

/// Runs cases; gives the codes that they reached.
pub(crate) fn run(cases: &[Case]) -> BTreeSet<&'static str> {
    let mut reached = BTreeSet::new();
    for (name, expected, make) in cases {
        let mut stage = staged();
        let tx = make(&mut stage);
        let found = stage.world.refusal(&tx);
        assert_eq!(found.map(|(_, code)| code), *expected, "{name}");
        if let Some((_, code)) = found {
            speaks_both_languages(&stage, &tx);
            reached.insert(code);
        } else {
            stage.world.commit(vec![tx]);
        }
    }
    reached
}

fn speaks_both_languages(stage: &Staged, tx: &Tx) {
    let Err(refused) = stage.world.attempt(tx) else {
        panic!("it was refused before");
    };
    let Halt::Refused(why) = refused.why.clone() else {
        panic!("{refused}");
    };
    let (english, chinese) = (why.sentence(Lang::En), why.sentence(Lang::Zh));
    assert!(english.is_ascii(), "{english}");
    assert!(chinese.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{chinese}");
    let told = refused.to_string();
    assert!(told.ends_with(&english), "{told}");
    assert_eq!(told.starts_with("item "), refused.item.is_some(), "{told}");
}

#[test]
fn every_refusal_is_reached() {
    let old: &[&[Case]] = &[
        rules::DATASETS,
        rules::WHO_ASKS,
        rules::WHAT_IS_ASKED,
        grants::DECISIONS,
        grants::DECIDED,
        grants::CONFIRMATIONS,
        grants::REVOCATIONS,
        grants::RECORDS,
        signers::WHO,
        signers::FROM_WHERE,
    ];
    let all = [
        old,
        alerts::TABLES,
        bulk::TABLES,
        cases::TABLES,
        datasets::TABLES,
        corrections::TABLES,
        delegation::TABLES,
        departments::TABLES,
        double_votes::TABLES,
        emergency::TABLES,
        gateways::TABLES,
        leases::TABLES,
        observing::TABLES,
        votes::TABLES,
        halves::TABLES,
        identities::TABLES,
        permits::TABLES,
        products::TABLES,
        reads::TABLES,
        roots::TABLES,
        sealing::TABLES,
        seals::TABLES,
        successions::TABLES,
        voided::TABLES,
        workflow::TABLES,
    ]
    .concat();
    let mut reached: BTreeSet<&str> = all.into_iter().flat_map(run).collect();
    reached.append(&mut signers::full_block());
    reached.append(&mut signers::too_dear());
    let mut expected: BTreeSet<&str> = Refusal::CODES.iter().copied().collect();
    assert_eq!(expected.len(), Refusal::CODES.len(), "a code is there twice");
    for (code, _) in IMPOSSIBLE {
        assert!(expected.remove(code), "{code} is no code");
    }
    let missing: Vec<_> = expected.difference(&reached).collect();
    assert!(missing.is_empty(), "no case reaches {missing:?}");
}
