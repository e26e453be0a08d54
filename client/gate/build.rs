//! Compiles what is spoken of Envoy's API to Rust, without a protoc on the machine.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=envoy");
    let descriptors = protox::compile(["auth.proto", "access_log.proto"], ["envoy"])?;
    tonic_prost_build::configure().build_client(false).compile_fds(descriptors)?;
    Ok(())
}
