//! Generates the tonic services; their messages are those of `liuhen-proto`.

use prost::Message;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=../liuhen");
    let descriptors = protox::compile(["liuhen/v1/service.proto"], [".."])?;
    let out = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .extern_path(".liuhen.v1", "::liuhen_proto::wire")
        .compile_fds(descriptors)?;
    Ok(())
}
