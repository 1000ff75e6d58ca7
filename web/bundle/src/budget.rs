//! What the console may weigh.

use anyhow::Result;

use crate::{Mode, dist::Dist};

/// Of all files together that every browser gets, with Brotli.
const BYTES_MAX: u64 = 450_000;
/// What only who reads another language gets besides.
const TEXTS: &str = ".txt";

/// Prints what each file weighs. Whether all together are within the budget: what is
/// compiled for quick work is not held to it.
pub fn keeps(dist: &Dist, mode: Mode) -> Result<bool> {
    let sizes = dist.sizes()?;
    let mut total = [0; 3];
    println!(
        "console: {:46} {:>9} {:>9} {:>9}",
        "web/dist", "plain", "brotli", "gzip"
    );
    for (name, lengths) in &sizes {
        print_row(name, *lengths);
        if name.ends_with(TEXTS) {
            continue;
        }
        for (sum, length) in total.iter_mut().zip(lengths) {
            *sum += length;
        }
    }
    print_row("together, without texts of other languages", total);
    let compressed = total[1];
    if mode == Mode::Dev {
        println!("console: compiled for quick work, so the budget of {BYTES_MAX} bytes is not asked");
        return Ok(true);
    }
    if compressed > BYTES_MAX {
        eprintln!(
            "console: {compressed} bytes are {} more than the budget of {BYTES_MAX}",
            compressed - BYTES_MAX
        );
        return Ok(false);
    }
    println!("console: {compressed} of {BYTES_MAX} bytes");
    Ok(true)
}

fn print_row(name: &str, [plain, br, gz]: [u64; 3]) {
    println!("console:   {name:44} {plain:>9} {br:>9} {gz:>9}");
}
