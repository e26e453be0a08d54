//! Inputs as calls: three bytes say who calls which method and how, the rest is the request, or says how it is made.

use super::contract::{Contract, Field, Method, Shape, Value, write};
use super::ground::Ground;
use super::known::Known;
use liuhen_proto::items::Item;
use liuhen_tests::things::Who;

/// Bytes of an input before its request.
pub(super) const HEAD: usize = 3;
/// How deep messages are made in messages.
const DEEP: usize = 8;
/// Bytes of what is longer than a node reads.
const TOO_LONG: usize = 70 << 10;

/// How a call is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct How(u8);

impl How {
    /// The request is the rest of the input as it stands.
    pub(super) const RAW: u8 = 1;
    /// So is what is sent, with its prefix.
    const RAW_FRAMES: u8 = 2;
    /// Whoever oversees does not sign the call.
    const UNSIGNED: u8 = 4;
    /// It reads for the open audit.
    pub(super) const FOR_AUDIT: u8 = 8;
    /// It reads for an audit that there is not.
    const FOR_NO_AUDIT: u8 = 16;
    /// The token is another's.
    const BENT_TOKEN: u8 = 32;

    fn is(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    /// Whether who oversees signs the call.
    pub(super) fn signed(self) -> bool {
        !self.is(Self::UNSIGNED)
    }

    /// Whether the token does not hold.
    pub(super) fn token_bent(self) -> bool {
        self.is(Self::BENT_TOKEN)
    }

    /// The audit that is read for.
    pub(super) fn audit(self) -> Option<&'static str> {
        if self.is(Self::FOR_AUDIT) {
            Some(super::ground::AUDIT)
        } else {
            self.is(Self::FOR_NO_AUDIT).then_some("audit-none")
        }
    }
}

/// A call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// Whoever calls; `None`: somebody without a token.
    pub(super) who: Option<Who>,
    pub(super) method: Method,
    pub(super) how: How,
    /// The messages with their prefixes.
    pub(super) frames: Vec<u8>,
}

impl Call {
    /// The one message that is sent. `None` where it is none, or one of many.
    pub(super) fn message(&self) -> Option<&[u8]> {
        let (prefix, message) = self.frames.split_first_chunk::<5>()?;
        let [_, length @ ..] = *prefix;
        (u32::from_be_bytes(length) as usize == message.len()).then_some(message)
    }
}

/// A message with its prefix.
pub(super) fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[0], length.as_slice(), message].concat()
}

/// What is left of an input. Behind its end it has nothing but zeros.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn take(&mut self, most: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken.to_vec()
    }

    fn number(&mut self, bytes: usize) -> u64 {
        self.take(bytes).into_iter().fold(0, |number, byte| number << 8 | u64::from(byte))
    }

    /// One of several.
    fn one_of<'t, T>(&mut self, all: &'t [T]) -> Option<&'t T> {
        let number = usize::try_from(self.number(2)).unwrap_or(0);
        all.get(number % all.len().max(1))
    }
}

/// Makes calls from inputs.
pub(super) struct Requests<'a> {
    pub(super) contract: &'a Contract,
    pub(super) known: &'a Known,
    pub(super) ground: &'a Ground,
}

impl Requests<'_> {
    /// The call that an input stands for. `None` where it is too short.
    pub(super) fn call(&self, input: &[u8]) -> Option<Call> {
        let (head, rest) = input.split_at_checked(HEAD)?;
        let whos: Vec<Who> = self.ground.signers.keys().copied().collect();
        let who = usize::from(head[0]) % (whos.len() + 1);
        let who = who.checked_sub(1).and_then(|it| whos.get(it)).copied();
        let methods = &self.contract.methods;
        let method = methods.get(usize::from(head[1]) % methods.len())?.clone();
        let how = How(head[2]);
        let frames = self.frames(&method, how, who, rest);
        Some(Call { who, method, how, frames })
    }

    fn frames(&self, method: &Method, how: How, who: Option<Who>, rest: &[u8]) -> Vec<u8> {
        if how.is(How::RAW_FRAMES) {
            return rest.to_vec();
        }
        if how.is(How::RAW) {
            return frame(rest);
        }
        let mut rest = Rest(rest);
        let more = if method.many_asked { rest.byte() % 4 } else { 0 };
        let messages = (0..=more).map(|_| self.message(&method.asked, who, &mut rest, 0));
        messages.flat_map(|message| frame(&message)).collect()
    }

    /// A message of this name: some of what stands on the chain together, some of anything.
    fn message(&self, name: &str, who: Option<Who>, rest: &mut Rest<'_>, depth: usize) -> Vec<u8> {
        let mut message = Vec::new();
        let together = match rest.byte() % 2 {
            1 => rest.one_of(self.known.fragments(name)),
            _ => None,
        };
        for field in self.contract.fields(name) {
            if let Some(value) = together.and_then(|it| it.get(&field.name)) {
                write(field.number, value, &mut message);
                continue;
            }
            for _ in 0..self.count(field, rest) {
                let value = self.value(field, who, rest, depth);
                write(field.number, &value, &mut message);
            }
        }
        message
    }

    /// How often a field is there: more often not than once, and where it may, several times.
    fn count(&self, field: &Field, rest: &mut Rest<'_>) -> usize {
        match (rest.byte(), field.repeated) {
            (0..128, _) => 0,
            (_, false) => 1,
            (250.., true) => 65,
            (many, true) => usize::from(many % 3) + 1,
        }
    }

    fn value(&self, field: &Field, who: Option<Who>, rest: &mut Rest<'_>, depth: usize) -> Value {
        match &field.shape {
            Shape::Message(name) if depth < DEEP => {
                Value::Bytes(self.message(name, who, rest, depth + 1))
            }
            Shape::Message(_) => Value::Bytes(Vec::new()),
            Shape::Number => Value::Number(self.number(field, rest)),
            Shape::Bytes => Value::Bytes(self.bytes(field, who, rest)),
        }
    }

    fn number(&self, field: &Field, rest: &mut Rest<'_>) -> u64 {
        match rest.byte() % 4 {
            0 => rest.number(1),
            1 => rest.number(8),
            2 => match rest.one_of(self.known.values(&field.name)) {
                Some(Value::Number(known)) => *known,
                _ => 1,
            },
            _ => rest.one_of(&self.known.numbers).copied().unwrap_or(0),
        }
    }

    fn bytes(&self, field: &Field, who: Option<Who>, rest: &mut Rest<'_>) -> Vec<u8> {
        let known = |rest: &mut Rest<'_>| match rest.one_of(self.known.values(&field.name)) {
            Some(Value::Bytes(known)) => known.clone(),
            _ => rest.one_of(&self.known.bytes).cloned().unwrap_or_default(),
        };
        match rest.byte() % 16 {
            0..6 => known(rest),
            6..8 => rest.one_of(&self.known.bytes).cloned().unwrap_or_default(),
            8..10 => bent(known(rest), rest),
            10..13 => {
                let length = usize::from(rest.byte());
                rest.take(length)
            }
            13..15 => self.transaction(who, rest).unwrap_or_default(),
            _ => vec![b'a'; TOO_LONG],
        }
    }

    /// A transaction of the caller, rightly signed: items that stand on the chain already, or the caller's bytes.
    fn transaction(&self, who: Option<Who>, rest: &mut Rest<'_>) -> Option<Vec<u8>> {
        let who = who?;
        let ahead = rest.byte();
        let mut items = Vec::new();
        for _ in 0..=rest.byte() % 3 {
            let of = rest.one_of(&self.ground.transactions)?;
            let item = rest.one_of(of.items())?.clone();
            let item = match rest.byte() % 2 {
                0 => item,
                _ => Item::parse(&bent(item.bytes().to_vec(), rest)).unwrap_or(item),
            };
            items.push(item);
        }
        let ahead = if ahead < 192 { 0 } else { u64::from(ahead - 192) };
        Some(self.ground.sign(who, ahead, &items).ok()?.raw().to_vec())
    }
}

/// The same with one byte changed, or with its end cut off.
fn bent(mut bytes: Vec<u8>, rest: &mut Rest<'_>) -> Vec<u8> {
    let (at, by) = (usize::try_from(rest.number(2)).unwrap_or(0), rest.byte());
    let length = bytes.len().max(1);
    match bytes.get_mut(at % length) {
        Some(byte) if by > 0 => *byte ^= by,
        _ => bytes.truncate(at % length),
    }
    bytes
}
