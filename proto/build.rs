//! Compiles the wire contract in `liuhen/v1` to Rust, without a protoc on the machine.

use std::error::Error;

const FILES: [&str; 4] = [
    "liuhen/v1/transaction.proto",
    "liuhen/v1/ledger.proto",
    "liuhen/v1/proof.proto",
    "liuhen/v1/service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=liuhen");
    let descriptors = protox::compile(FILES, ["."])?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}
