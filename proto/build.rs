//! Compiles the `.proto` files of this folder with protox, so that building needs no `protoc`.
//! The generated code is included by `src/proto/mod.rs`.

use std::fs;
use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    println!("cargo::rerun-if-changed=proto");
    let mut files: Vec<PathBuf> = fs::read_dir("proto")?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "proto"));
    files.sort();

    let descriptors = protox::compile(&files, ["proto"])?;
    prost_build::Config::new()
        // Derived, they would print the network's secrets; src/proto/mod.rs has redacted ones.
        .skip_debug([
            "network_provisioning.CmdSetThreadConfig",
            "network_provisioning.CmdSetWifiConfig",
            "rainmaker.CmdSetUserMapping",
        ])
        .compile_fds(descriptors)?;
    Ok(())
}
