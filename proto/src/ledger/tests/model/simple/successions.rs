//! One department takes another's place.

use super::{By, Simple, Why};
use crate::wire;

impl Simple {
    pub(super) fn succeed_by_lead(&mut self, by: By<'_>, it: &wire::SucceedDepartment) -> Why {
        let mut no = Vec::new();
        if it.lead != self.parameters.lead {
            no.push("lead.needed");
        }
        self.acts(by, &it.lead, &mut no);
        self.officer(by, &mut no);
        let succession = it.succession.clone().unwrap();
        if self.has_vote(&succession.from) || self.has_vote(&succession.to) {
            no.push("department.votes");
        }
        if no.is_empty() { self.succeed(&succession) } else { no }
    }

    pub(super) fn succeed(&mut self, it: &wire::Succession) -> Why {
        let mut no = Vec::new();
        for code in [&it.from, &it.to] {
            match self.department(code) {
                None => no.push("department.unknown"),
                Some(one) => {
                    if !one.successor.is_empty() {
                        no.push("succession.exists");
                    }
                    if !one.life.goes_on() {
                        no.push("standing.is");
                    }
                }
            }
        }
        if self.in_office(&it.from) {
            no.push("department.in_office");
        }
        if it.overlap_until_ms <= self.now {
            no.push("succession.overlap");
        }
        if !no.is_empty() {
            return no;
        }
        let due = self.due_in(self.parameters.reconfirm_days);
        // All whose place it took before are of one body with the other as well.
        let before: Vec<String> = self
            .departments
            .iter()
            .filter(|one| {
                one.code != it.from && self.line_of_succession(&one.code).contains(&it.from)
            })
            .map(|one| one.code.clone())
            .collect();
        for code in before {
            self.department_mut(&code).reconfirm_due = due;
            self.tell(format!("member {code} changed"));
        }
        let to_beneath = self.is_beneath(&it.to, &it.from);
        let from = self.department_mut(&it.from);
        from.successor.clone_from(&it.to);
        from.reconfirm_due = due;
        from.overlap_until = Some(it.overlap_until_ms);
        let above = from.parent.clone();
        let children: Vec<String> = self
            .departments
            .iter()
            .filter(|one| one.parent == it.from && one.code != it.to)
            .map(|one| one.code.clone())
            .collect();
        for code in children {
            self.department_mut(&code).parent.clone_from(&it.to);
            self.tell(format!("member {code} changed"));
        }
        // It takes the other's place: it can't stay beneath it.
        if to_beneath {
            self.department_mut(&it.to).parent = above;
            self.tell(format!("member {} changed", it.to));
        }
        self.tell(format!("{} succeeded by {}, over: false", it.from, it.to));
        no
    }

    pub(super) fn overlap_over(&mut self, code: &str) {
        let it = self.department_mut(code);
        it.overlap_until = None;
        let (root, to) = (std::mem::take(&mut it.root), it.successor.clone());
        let pending = it.pending.take().map(|(root, _)| root).unwrap_or_default();
        for root in [root, pending].iter().filter(|root| !root.is_empty()) {
            self.end_identity(root);
        }
        if self.voters.iter().any(|it| it.department != code && !it.suspended) {
            self.voters.retain(|it| it.department != code);
        }
        self.tell(format!("{code} succeeded by {to}, over: true"));
    }
}
