//! A gate's doors opened by hand (应急放行): what an officer signs, and whether it is good.

use crate::canonical;
use crate::ledger::intervals;
use crate::suite::hash::{self, Domain, line};
use crate::suite::sign::{PrivateKey, PublicKey, Signature};
use crate::types::{ChainId, Hash, IdentityId, KeyId, TimeMs, check_code, limits};
use crate::wire::{BreakGlass, BreakGlassStatement, Department, Identity, IdentityKind, Key};
use prost::Message as _;

/// Bytes of a statement at most.
const BYTES: usize = 1024;

/// Why a statement opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BreakGlassError {
    /// Not what an officer signs.
    #[error("not a statement that opens doors")]
    Malformed,
    /// Of another chain or gateway.
    #[error("it is for another {0}")]
    Other(&'static str),
    /// The cause is no code.
    #[error("the cause is not a code")]
    Cause,
    /// Longer than it may be, or in the wrong order.
    #[error("it must end within 72 hours of its beginning")]
    TooLong,
    /// Not by who may.
    #[error("{0}")]
    NotBy(&'static str),
    /// The signature does not verify.
    #[error("its signature does not verify")]
    Signature,
}

/// Who signed, as the ledger knows him.
#[derive(Debug, Clone, PartialEq)]
pub struct Officer {
    /// His identity.
    pub identity: Identity,
    /// The key that signed.
    pub key: Key,
    /// His department.
    pub department: Department,
}

/// A statement that was read and is signed; who signed is to be looked up.
#[derive(Debug, Clone, PartialEq)]
pub struct Stated {
    statement: BreakGlassStatement,
    digest: Hash,
}

/// What is signed: the line `liuhen/break-glass/v1`, then the canonical statement without its signature.
fn message(statement: &BreakGlassStatement) -> Vec<u8> {
    let unsigned = BreakGlassStatement { signature: Vec::new(), ..statement.clone() };
    [line::BREAK_GLASS, &unsigned.encode_to_vec()].concat()
}

/// The bytes of a statement by an officer's key.
pub fn sign(
    key: &PrivateKey,
    (chain, gateway, officer): (&ChainId, &IdentityId, &IdentityId),
    (from, until): (TimeMs, TimeMs),
    cause: &str,
) -> Vec<u8> {
    let mut statement = BreakGlassStatement {
        chain_id: chain.to_vec(),
        gateway_id: gateway.to_vec(),
        from_ms: from.get(),
        until_ms: until.get(),
        cause: cause.to_owned(),
        officer_id: officer.to_vec(),
        key_id: key.public().key_id().to_vec(),
        signature: Vec::new(),
    };
    statement.signature = key.sign(&message(&statement)).to_vec();
    statement.encode_to_vec()
}

impl Stated {
    /// Reads a statement. Errors for what could never open the doors of this gateway.
    pub fn read(
        bytes: &[u8],
        chain: &ChainId,
        gateway: &IdentityId,
    ) -> Result<Self, BreakGlassError> {
        let statement: BreakGlassStatement =
            canonical::decode("statement", bytes, BYTES).map_err(|_| BreakGlassError::Malformed)?;
        let it = &statement;
        if it.chain_id != chain.as_bytes() {
            return Err(BreakGlassError::Other("chain"));
        }
        if it.gateway_id != gateway.as_bytes() {
            return Err(BreakGlassError::Other("gateway"));
        }
        check_code(&it.cause).map_err(|_| BreakGlassError::Cause)?;
        let lasts = it.until_ms.checked_sub(it.from_ms).ok_or(BreakGlassError::TooLong)?;
        if lasts > limits::BREAK_GLASS_MS {
            return Err(BreakGlassError::TooLong);
        }
        if IdentityId::from_slice(&it.officer_id).is_err() || KeyId::from_slice(&it.key_id).is_err()
        {
            return Err(BreakGlassError::Malformed);
        }
        Ok(Self { digest: hash::hash(Domain::Digest, &[bytes]), statement })
    }

    /// Who signed.
    pub fn officer(&self) -> IdentityId {
        IdentityId::from_slice(&self.statement.officer_id).unwrap_or_default()
    }

    /// With which key.
    pub fn key(&self) -> KeyId {
        KeyId::from_slice(&self.statement.key_id).unwrap_or_default()
    }

    /// Until when it opens.
    pub fn until(&self) -> TimeMs {
        TimeMs::new(self.statement.until_ms)
    }

    /// Whether it opens the doors at a time.
    pub fn is_open(&self, now: TimeMs) -> bool {
        (self.statement.from_ms..self.statement.until_ms).contains(&now.get())
    }

    /// What records of what is served so carry.
    pub fn mark(&self) -> BreakGlass {
        BreakGlass {
            officer_id: self.statement.officer_id.clone(),
            cause: self.statement.cause.clone(),
            statement_digest: self.digest.to_vec(),
        }
    }

    /// Errors unless an officer of the collector signed it, with a key in force as far as is known.
    pub fn check(&self, by: &Officer, collector: &str) -> Result<(), BreakGlassError> {
        let Officer { identity, key, department } = by;
        if identity.identity_id != self.statement.officer_id
            || key.key_id != self.statement.key_id
            || key.identity_id != identity.identity_id
        {
            return Err(BreakGlassError::NotBy("the key is not the officer's"));
        }
        if identity.department != collector || department.code != collector {
            return Err(BreakGlassError::NotBy("the officer is of another department"));
        }
        if !matches!(identity.kind(), IdentityKind::Officer | IdentityKind::Root) {
            return Err(BreakGlassError::NotBy("only an officer opens doors by hand"));
        }
        let standing = [&key.standing, &identity.standing, &department.standing];
        if !standing.into_iter().all(|it| intervals::is_open(it)) {
            return Err(BreakGlassError::NotBy("the officer's key is not in force"));
        }
        let signed = PublicKey::from_slice(&key.public_key)
            .ok()
            .zip(Signature::from_slice(&self.statement.signature).ok())
            .is_some_and(|(key, signature)| key.verify(&message(&self.statement), &signature));
        if signed { Ok(()) } else { Err(BreakGlassError::Signature) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Interval;

    const HOUR: u64 = 3_600_000;

    fn key() -> PrivateKey {
        PrivateKey::from_seed(&[7; 32])
    }

    fn officer() -> Officer {
        let standing = vec![Interval::default()];
        let identity = Identity {
            identity_id: vec![3; 32],
            department: "gz.psb".into(),
            kind: IdentityKind::Officer as i32,
            standing: standing.clone(),
            ..Identity::default()
        };
        let key = Key {
            key_id: key().public().key_id().to_vec(),
            public_key: key().public().as_bytes().to_vec(),
            identity_id: vec![3; 32],
            department: "gz.psb".into(),
            standing: standing.clone(),
            ..Key::default()
        };
        let department = Department { code: "gz.psb".into(), standing, ..Department::default() };
        Officer { identity, key, department }
    }

    fn stated(hours: u64, cause: &str) -> Result<Stated, BreakGlassError> {
        let (chain, gateway) = (ChainId::new([1; 32]), IdentityId::new([2; 32]));
        let ids = (&chain, &gateway, &IdentityId::new([3; 32]));
        let times = (TimeMs::new(HOUR), TimeMs::new((hours + 1) * HOUR));
        Stated::read(&sign(&key(), ids, times, cause), &chain, &gateway)
    }

    #[test]
    fn it_opens_for_a_time() {
        let it = stated(72, "fire").unwrap();
        assert_eq!(it.check(&officer(), "gz.psb"), Ok(()));
        let open = [0, HOUR, 73 * HOUR - 1, 73 * HOUR].map(|at| it.is_open(TimeMs::new(at)));
        assert_eq!(open, [false, true, true, false]);
        assert_eq!((it.mark().cause.as_str(), it.mark().statement_digest.len()), ("fire", 32));
        assert_eq!(stated(73, "fire"), Err(BreakGlassError::TooLong));
        assert_eq!(stated(1, "火灾"), Err(BreakGlassError::Cause));
        let (chain, gateway) = (ChainId::new([1; 32]), IdentityId::new([9; 32]));
        let ids = (&chain, &gateway, &IdentityId::new([3; 32]));
        let bytes = sign(&key(), ids, (TimeMs::new(1), TimeMs::new(2)), "fire");
        let (chains, gateways) = (ChainId::new([8; 32]), IdentityId::new([8; 32]));
        let other = |what| Err(BreakGlassError::Other(what));
        let read = |chain, gateway| Stated::read(&bytes, chain, gateway).map(|_| ());
        assert_eq!(read(&chain, &gateway), Ok(()));
        assert_eq!(read(&chains, &gateway), other("chain"));
        assert_eq!(read(&chain, &gateways), other("gateway"));
        let cut = Stated::read(&bytes[1..], &chain, &gateway);
        assert_eq!(cut, Err(BreakGlassError::Malformed));
    }

    #[test]
    fn who_may_not() {
        type Bent = (&'static str, fn(&mut Officer));
        let bent: [Bent; 7] = [
            ("another's key", |it| it.key.identity_id = vec![4; 32]),
            ("a system", |it| it.identity.kind = IdentityKind::System as i32),
            ("of another department", |it| it.identity.department = "gz.hrss".into()),
            ("suspended", |it| it.identity.standing[0].until_height = Some(9)),
            ("whose key ended", |it| it.key.standing.clear()),
            ("of a department that is suspended", |it| it.department.standing.clear()),
            ("whose key is another", |it| {
                it.key.public_key = PrivateKey::from_seed(&[8; 32]).public().as_bytes().to_vec();
            }),
        ];
        for (who, bend) in bent {
            let mut by = officer();
            bend(&mut by);
            assert!(stated(1, "fire").unwrap().check(&by, "gz.psb").is_err(), "{who}");
        }
    }
}
