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
    let mut config = prost_build::Config::new();
    // Derived by `prost`, it would print the secret.
    config.skip_debug(SECRETS.map(|(message, _)| message));
    for (message, field) in SECRETS {
        config
            .type_attribute(message, "#[derive(derive_more::Debug)]")
            .field_attribute(format!("{message}.{field}"), r#"#[debug("<redacted>")]"#);
    }
    config.compile_fds(descriptors)?;
    Ok(())
}

/// The fields whose content no debug form may show: passphrase, network key, and the key that is enough
/// to map a device.
const SECRETS: [(&str, &str); 3] = [
    ("network_provisioning.CmdSetWifiConfig", "passphrase"),
    ("network_provisioning.CmdSetThreadConfig", "dataset"),
    ("rainmaker.CmdSetUserMapping", "secret_key"),
];
