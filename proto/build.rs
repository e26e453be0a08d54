//! Compiles the wire contract in `liuhen/v1` to Rust, without a protoc on the machine.

#![allow(clippy::disallowed_methods, reason = "a build script writes what it makes")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

const FILES: [&str; 14] = [
    "liuhen/v1/consortium.proto",
    "liuhen/v1/member.proto",
    "liuhen/v1/catalogue.proto",
    "liuhen/v1/sharing.proto",
    "liuhen/v1/access.proto",
    "liuhen/v1/oversight.proto",
    "liuhen/v1/governance.proto",
    "liuhen/v1/reading.proto",
    "liuhen/v1/event.proto",
    "liuhen/v1/transaction.proto",
    "liuhen/v1/ledger.proto",
    "liuhen/v1/accountability.proto",
    "liuhen/v1/proof.proto",
    "liuhen/v1/service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=liuhen");
    let descriptors = protox::compile(FILES, ["."])?;
    let messages = descriptors.file.iter().flat_map(|file| &file.message_type);
    let fields = messages.map(|it| {
        let inside = it.field.iter().filter_map(|field| {
            let name = field.type_name().strip_prefix(".liuhen.v1.")?;
            (field.r#type() as i32 == MESSAGE).then(|| (field.number(), name.to_owned()))
        });
        (it.name().to_owned(), inside.collect())
    });
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("shapes.rs"), shapes(&fields.collect()))?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}

/// The number that descriptors have for fields that hold a message.
const MESSAGE: i32 = 11;

/// The shape of a proof file, for `verify::size`: of each message in it how much memory one takes, and
/// which fields hold messages, by their places in the list. The file itself comes first.
fn shapes(fields: &BTreeMap<String, Vec<(i32, String)>>) -> String {
    let (mut order, mut at) = (vec!["Trace"], 0);
    while let Some(name) = order.get(at) {
        for (_, inside) in fields.get(*name).into_iter().flatten() {
            if !order.contains(&inside.as_str()) {
                order.push(inside);
            }
        }
        at = at.saturating_add(1);
    }
    let shape = |name: &&str| {
        let inside = fields.get(*name).into_iter().flatten().map(|(number, inside)| {
            let place = order.iter().position(|it| it == inside).unwrap_or_default();
            format!("({number}, {place}), ")
        });
        let inside: String = inside.collect();
        format!(
            "Shape {{ name: \"{name}\", size: size_of::<wire::{name}>(), messages: &[{inside}] }},\n"
        )
    };
    format!("&[\n{}]\n", order.iter().map(shape).collect::<String>())
}
