//! Compiles the wire contract in `liuhen/v1` to Rust, without a protoc on the machine.

use std::error::Error;

const FILES: [&str; 18] = [
    "liuhen/v1/consortium.proto",
    "liuhen/v1/member.proto",
    "liuhen/v1/catalogue.proto",
    "liuhen/v1/workflow.proto",
    "liuhen/v1/rule.proto",
    "liuhen/v1/record.proto",
    "liuhen/v1/gateway.proto",
    "liuhen/v1/half.proto",
    "liuhen/v1/sealing.proto",
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
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}
