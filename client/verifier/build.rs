//! The verifier is handed out alone: it carries no debugging information, about a fifth of its size, and
//! needs nothing but the C library.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-arg-bins=-s");
    if std::env::var("CARGO_CFG_TARGET_OS")? == "linux"
        && std::env::var("CARGO_CFG_TARGET_ENV")? == "gnu"
    {
        // The compiler asks for libgcc_s, the unwinder as a shared library. What the linker finds first
        // under that name sends it to the static one.
        let folder = PathBuf::from(std::env::var("OUT_DIR")?);
        std::fs::write(folder.join("libgcc_s.so"), "GROUP(libgcc_eh.a libgcc.a)\n")?;
        println!("cargo:rustc-link-search=native={}", folder.display());
    }
    Ok(())
}
