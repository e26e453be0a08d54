//! Inputs to begin with, found by trying: for each method of the contract some that it answers.

use super::requests::{Call, HEAD, How};
use super::{Method, Services};
use std::collections::BTreeSet;
use tonic::Code;

/// Inputs of a method that are tried at most.
const TRIES: u64 = 50_000;
/// Different callers of a method that are answered.
const CALLERS: usize = 3;
/// Bytes behind the head of an input.
const REST: usize = 48;

/// Numbers that look random and are the same each time (Steele, Lea and Flood 2014, SplitMix64).
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// Those of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.number().to_le_bytes());
        words.take(count.div_ceil(8)).flatten().take(count).collect()
    }
}

impl Services {
    /// For each method: inputs that it answers, whose requests are made, and the same requests as they are. Errors for a method that nothing was found for: what its requests need does not
    /// stand on the chain, or under another name.
    pub fn seeds(&self) -> anyhow::Result<Vec<(Method, Vec<Vec<u8>>)>> {
        let mut all = Vec::new();
        for (number, method) in (0..).zip(self.methods()) {
            let found = self.answered(number);
            anyhow::ensure!(!found.is_empty(), "{}: no request was answered", method.path);
            let raw: Vec<Vec<u8>> = found.iter().filter_map(|input| self.raw(input)).collect();
            all.push((method.clone(), found.into_iter().chain(raw).collect()));
        }
        Ok(all)
    }

    /// Inputs that the method of this number answers, with something.
    fn answered(&self, method: u8) -> Vec<Vec<u8>> {
        let mut numbers = Numbers::new(u64::from(method));
        let (mut callers, mut found) = (BTreeSet::new(), Vec::new());
        for _ in 0..TRIES {
            let mut input = numbers.bytes(HEAD + REST);
            input[1] = method;
            // Every eighth reads for the audit.
            input[2] = if input[2] < 32 { How::FOR_AUDIT } else { 0 };
            let Some(call) = self.requests().call(&input) else { continue };
            if callers.contains(&call.who) {
                continue;
            }
            if self.run(&input).is_some_and(|(_, code)| code == Code::Ok) {
                callers.insert(call.who);
                found.push(input);
            }
            if found.len() == CALLERS {
                break;
            }
        }
        found
    }

    /// The same request, as it is.
    fn raw(&self, input: &[u8]) -> Option<Vec<u8>> {
        let call: Call = self.requests().call(input)?;
        let mut raw = input.get(..HEAD)?.to_vec();
        raw[2] |= How::RAW;
        raw.extend(call.message()?);
        Some(raw)
    }
}
