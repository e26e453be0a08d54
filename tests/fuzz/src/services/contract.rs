//! What the descriptors say: methods, and the fields of messages. Nothing here knows one of them by name.

use prost::Message;
use prost::encoding::{
    WireType, decode_key, decode_varint, encode_key, encode_varint, encoded_len_varint,
};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FileDescriptorSet, MethodDescriptorProto};
use std::collections::BTreeMap;

/// A method of a service.
#[derive(Debug, Clone)]
pub struct Method {
    /// As a call names it: `/liuhen.v1.NodeService/GetStatus`.
    pub path: String,
    /// The message that is sent, and that is answered.
    pub(super) asked: String,
    pub(super) told: String,
    /// Whether many messages are sent.
    pub(super) many_asked: bool,
    /// Whether many are answered.
    pub(super) many_told: bool,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// A number, or a choice.
    Number,
    /// Bytes, or a text.
    Bytes,
    /// A message of this name.
    Message(String),
}

/// A field of a message.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) number: u32,
    pub(super) repeated: bool,
    pub(super) shape: Shape,
}

/// What stands in a field that holds no message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    Number(u64),
    Bytes(Vec<u8>),
}

/// All methods and messages.
pub(super) struct Contract {
    pub(super) methods: Vec<Method>,
    messages: BTreeMap<String, Vec<Field>>,
}

impl Contract {
    /// As a node gives it out by reflection.
    pub(super) fn read() -> anyhow::Result<Self> {
        let set = FileDescriptorSet::decode(liuhen_rpc::DESCRIPTORS)?;
        let (mut methods, mut messages) = (Vec::new(), BTreeMap::new());
        for file in &set.file {
            for service in &file.service {
                let service_name = format!("{}.{}", file.package(), service.name());
                methods.extend(service.method.iter().map(|it| method(&service_name, it)));
            }
            for message in &file.message_type {
                let fields = fields(message)?;
                messages.insert(format!(".{}.{}", file.package(), message.name()), fields);
            }
        }
        Ok(Self { methods, messages })
    }

    /// The fields of a message.
    pub(super) fn fields(&self, message: &str) -> &[Field] {
        self.messages.get(message).map_or(&[], Vec::as_slice)
    }

    /// The entries of an answer, as they are: of its first list, or where it has none the messages that stand in it. What stands
    /// beside a list, a sum or a standing, is told on each page.
    pub(super) fn inside(&self, message: &str, mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let messages = || {
            let fields = self.fields(message).iter();
            fields.filter(|it| matches!(it.shape, Shape::Message(_)))
        };
        let list = messages().filter(|it| it.repeated).map(|it| it.number).min();
        let mut found = Vec::new();
        while let Some((number, value)) = next(&mut bytes) {
            let is_entry = match list {
                Some(list) => list == number,
                None => messages().any(|it| it.number == number),
            };
            if let (true, Value::Bytes(inside)) = (is_entry, value) {
                found.push(inside);
            }
        }
        found
    }

    /// What a message holds, and what the messages in it do: for each the values by the names of their fields. `None`
    /// for bytes that are no such message.
    pub(super) fn read_message(
        &self,
        message: &str,
        mut bytes: &[u8],
    ) -> Option<Vec<Vec<(String, Value)>>> {
        let (mut own, mut found) = (Vec::new(), Vec::new());
        while !bytes.is_empty() {
            let (number, value) = next(&mut bytes)?;
            let Some(field) = self.fields(message).iter().find(|it| it.number == number) else {
                continue;
            };
            match (&field.shape, value) {
                (Shape::Message(of), Value::Bytes(inside)) => {
                    found.extend(self.read_message(of, &inside)?);
                }
                (Shape::Number, Value::Bytes(packed)) => {
                    let mut rest = packed.as_slice();
                    while !rest.is_empty() {
                        let number = decode_varint(&mut rest).ok()?;
                        own.push((field.name.clone(), Value::Number(number)));
                    }
                }
                (_, value) => own.push((field.name.clone(), value)),
            }
        }
        found.push(own);
        Some(found)
    }
}

fn method(service: &str, it: &MethodDescriptorProto) -> Method {
    Method {
        path: format!("/{service}/{}", it.name()),
        asked: it.input_type().to_owned(),
        told: it.output_type().to_owned(),
        many_asked: it.client_streaming(),
        many_told: it.server_streaming(),
    }
}

fn fields(message: &DescriptorProto) -> anyhow::Result<Vec<Field>> {
    let all = message.field.iter().map(|it| {
        let shape = match it.r#type() {
            Type::Message => Shape::Message(it.type_name().to_owned()),
            Type::Bytes | Type::String => Shape::Bytes,
            Type::Uint32
            | Type::Uint64
            | Type::Int32
            | Type::Int64
            | Type::Sint64
            | Type::Bool
            | Type::Enum => Shape::Number,
            other => anyhow::bail!("{}.{}: how is {other:?} made?", message.name(), it.name()),
        };
        let (name, number) = (it.name().to_owned(), u32::try_from(it.number())?);
        Ok(Field { name, number, repeated: it.label() == Label::Repeated, shape })
    });
    all.collect()
}

/// Steps over a field. `None` where there is none, or none of the contract's types.
fn next(rest: &mut &[u8]) -> Option<(u32, Value)> {
    let (number, wire_type) = decode_key(rest).ok()?;
    match wire_type {
        WireType::Varint => Some((number, Value::Number(decode_varint(rest).ok()?))),
        WireType::LengthDelimited => {
            let length = usize::try_from(decode_varint(rest).ok()?).ok()?;
            let (field, behind) = rest.split_at_checked(length)?;
            *rest = behind;
            Some((number, Value::Bytes(field.to_vec())))
        }
        _ => None,
    }
}

/// Writes a field.
pub(super) fn write(number: u32, value: &Value, message: &mut Vec<u8>) {
    match value {
        Value::Number(it) => {
            encode_key(number, WireType::Varint, message);
            encode_varint(*it, message);
        }
        Value::Bytes(it) => {
            message.reserve(it.len() + encoded_len_varint(it.len() as u64) + 1);
            encode_key(number, WireType::LengthDelimited, message);
            encode_varint(it.len() as u64, message);
            message.extend(it);
        }
    }
}
