//! Who may sign, and for whom.

use super::{By, Department, Simple, Why};
use crate::tx::TxHeader;
use crate::wire;

impl Simple {
    pub(super) fn signer(&self, header: &TxHeader) -> Why {
        let mut no = Vec::new();
        if header.chain != self.chain {
            no.push("chain.other");
        }
        match self.key(header.key.as_bytes()) {
            None => no.push("key.unknown"),
            // Signatures of a block are judged by what stood before it.
            Some(key) if key.made == self.height => no.push("key.unknown"),
            Some(key) => {
                let own = key.department == header.department
                    && key.identity == header.identity.as_bytes();
                let identity = self.identity(header.identity.as_bytes());
                let department = self.department(&header.department);
                let in_force = key.life.at_height(self.height)
                    && identity.is_some_and(|it| it.life.at_height(self.height))
                    && department.is_some_and(|it| it.life.at_height(self.height));
                if !own {
                    no.push("signer.mismatch");
                } else if !in_force {
                    no.push("key.not_in_force");
                }
                if header.seq != key.signed {
                    no.push("seq.wrong");
                }
            }
        }
        let recent = header.recent_height.get();
        match self.blocks.get(usize::try_from(recent).unwrap()) {
            None => no.push("recent_block.unknown"),
            Some((id, time)) => {
                if *id != header.recent_block.as_bytes() {
                    no.push("recent_block.unknown");
                }
                if self.now - time > self.parameters.recent_block_age_ms {
                    no.push("recent_block.too_old");
                }
            }
        }
        no
    }

    /// Whether who signs may speak for a department: its own, or one whose place it took.
    pub(super) fn speaks_for(&self, by: By<'_>, stated: &str) -> bool {
        self.line_of_succession(stated).iter().any(|code| code == by.department())
    }

    /// A department, and who took its place, and that one's, and so on.
    pub(in super::super) fn line_of_succession(&self, code: &str) -> Vec<String> {
        let mut line = vec![code.to_owned()];
        while let Some(last) = self.department(&line[line.len() - 1])
            && !last.successor.is_empty()
        {
            line.push(last.successor.clone());
        }
        line
    }

    /// The body of a department is that of whoever took its place in the end.
    pub(in super::super) fn body(&self, code: &str) -> String {
        let line = self.line_of_succession(code);
        self.department(&line[line.len() - 1]).map(|it| it.body.clone()).unwrap_or_default()
    }

    pub(super) fn has_right(&self, code: &str, right: wire::Right) -> bool {
        self.department(code).is_some_and(|it| it.rights.contains(&(right as i32)))
    }

    pub(super) fn acts(&self, by: By<'_>, stated: &str, no: &mut Why) {
        if !self.speaks_for(by, stated) {
            no.push("actor.other");
        }
    }

    pub(super) fn acts_with(&self, by: By<'_>, stated: &str, right: wire::Right, no: &mut Why) {
        self.acts(by, stated, no);
        if !self.has_right(stated, right) {
            no.push("right.missing");
        }
    }

    /// Decisions are people's, not machines'.
    pub(super) fn kind_of(&self, by: By<'_>, kinds: &[wire::IdentityKind], no: &mut Why) {
        let kind = self.identity(by.identity()).map_or(0, |it| it.kind);
        if !kinds.iter().any(|it| *it as i32 == kind) {
            no.push("identity.kind");
        }
    }

    pub(super) fn officer(&self, by: By<'_>, no: &mut Why) {
        use wire::IdentityKind::{Officer, Root};
        self.kind_of(by, &[Officer, Root], no);
    }

    /// Somebody is a department's own.
    pub(super) fn belongs(&self, id: &[u8], department: &str, no: &mut Why) {
        if self.identity(id).is_none_or(|it| it.department != department) {
            no.push("identity.other_department");
        }
    }

    /// A department and all above it in government.
    pub(super) fn chain_above(&self, code: &str, next: fn(&Department) -> &String) -> Vec<String> {
        let mut above = Vec::new();
        let mut at = code.to_owned();
        while let Some(it) = self.department(&at)
            && !next(it).is_empty()
            && above.len() < 16
        {
            at.clone_from(next(it));
            above.push(at.clone());
        }
        above
    }

    pub(in super::super) fn is_beneath(&self, code: &str, above: &str) -> bool {
        self.chain_above(code, |it| &it.parent).iter().any(|it| it == above)
    }
}
