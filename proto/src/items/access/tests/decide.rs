//! A gate decides as the ledger will judge.

use crate::items::access::{
    decide::{self, Gateway, Moment, Proved},
    tests::{coverage_cases::ALL, coverage_kinds as kinds},
};
use crate::ledger::tests::stage::{GATEWAY, Staged, staged};
use crate::ledger::tests::world::World;
use crate::ledger::{Halt, Missing, Object};
use crate::place::Place;
use crate::types::{RequestId, TimeMs};
use crate::wire::{self, GrantUse, RecordAccess};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What was asked for so far, as it stands at the newest block.
#[derive(Default)]
struct Asked {
    proved: BTreeMap<Place, Option<Object>>,
    missing: RefCell<Vec<Place>>,
}

impl Proved for Asked {
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing> {
        self.proved.get(place).cloned().ok_or_else(|| {
            self.missing.borrow_mut().push(place.clone());
            Missing(place.clone())
        })
    }
}

impl Asked {
    /// Asks for what is missing until nothing is.
    fn ask<T>(
        &mut self,
        world: &World,
        what: impl Fn(&Self) -> Result<T, Halt>,
    ) -> Result<T, Halt> {
        loop {
            match what(self) {
                Err(Halt::Missing(_)) => {
                    let missing = std::mem::take(self.missing.get_mut());
                    assert!(!missing.is_empty());
                    for place in missing {
                        let object = world.objects.get(&place).cloned();
                        assert!(self.proved.insert(place, object).is_none(), "asked for twice");
                    }
                }
                done => return done,
            }
        }
    }
}

fn gateway(stage: &Staged) -> Gateway {
    let signer = stage.world.signer(GATEWAY);
    Gateway {
        department: signer.department.clone(),
        identity: signer.identity,
        key: signer.key.public().key_id(),
    }
}

fn moment(stage: &Staged, record: &RecordAccess) -> Moment {
    Moment::new(&stage.world.tip().header, TimeMs::new(record.access_time_ms))
}

#[test]
fn as_the_ledger_will_judge() {
    let mut decided = 0;
    for (name, _, bend) in [ALL.concat(), kinds::OF_EACH_KIND.to_vec()].concat() {
        let mut stage = staged();
        let mut record = stage.covered();
        bend(&mut stage, &mut record);
        // Whoever decides before serving decides by what it has, at the time of the access.
        if record.decided_height != Some(stage.world.height().get()) {
            continue;
        }
        let (gateway, moment) = (gateway(&stage), moment(&stage, &record));
        let mut asked = Asked::default();
        let found = asked.ask(&stage.world, |it| decide::decide(it, &gateway, moment, &record));
        let judged = stage.world.does(GATEWAY, record);
        let found = found.unwrap_or_else(|why| panic!("{name}: {why}"));
        if judged.future {
            continue;
        }
        let ends = |it: crate::event::Outcome| (it.verdict, it.reason, it.names_others);
        assert_eq!(ends(found), ends(judged), "{name}");
        decided += 1;
    }
    assert!(decided > 60, "{decided}");
}

#[test]
fn another_departments_gateway_is_refused() {
    let stage = staged();
    let record = stage.covered();
    let mut gateway = gateway(&stage);
    gateway.department = "gz.tax".into();
    let moment = moment(&stage, &record);
    let mut asked = Asked::default();
    let found = asked.ask(&stage.world, |it| decide::decide(it, &gateway, moment, &record));
    assert!(matches!(found, Err(Halt::Refused(_))), "{found:?}");
}

/// What a record adds is what the ledger counts, on its grant and on all that this hangs from.
#[test]
fn what_is_not_on_the_ledger_yet_counts_alike() {
    for (name, _, bend) in [ALL.concat(), kinds::OF_EACH_KIND.to_vec()].concat() {
        let mut stage = staged();
        let mut record = stage.covered();
        bend(&mut stage, &mut record);
        let (gateway, moment) = (gateway(&stage), moment(&stage, &record));
        let mut asked = Asked::default();
        let grants = asked.ask(&stage.world, |it| decide::counts_on(it, &gateway, moment, &record));
        let grants = grants.unwrap_or_else(|why| panic!("{name}: {why}"));
        let used =
            |stage: &Staged, id: &RequestId| match stage.world.objects.get(&Place::grant_use(id)) {
                Some(Object::GrantUse(it)) => (**it).clone(),
                _ => GrantUse::default(),
            };
        let mut expected: Vec<_> = grants.iter().map(|it| used(&stage, &it.grant)).collect();
        let block_time = TimeMs::new(stage.world.now);
        let parameters: std::sync::Arc<wire::Parameters> = stage.world.get(&Place::parameters());
        for (it, on) in expected.iter_mut().zip(&grants) {
            let holder = (&gateway.identity, &on.named);
            decide::add_use(it, holder, &record, block_time, &parameters);
        }
        stage.world.does(GATEWAY, record);
        let found: Vec<_> = grants.iter().map(|it| used(&stage, &it.grant)).collect();
        assert_eq!(found, expected, "{name}");
    }
}
