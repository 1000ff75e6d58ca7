//! Numbers that are no whole ones. They stay the text they were written as until a type asks
//! for one, and one type in all does: the standard library's readers and writers of any
//! number there is bring 20 KB of tables into the console.

/// A decimal in the one way that JSON and YAML both read: `+.50` is `0.5`, `1.E3` is `1.0e3`.
/// None for what is no number.
pub fn canonical(text: &str) -> Option<String> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_empty = whole.is_empty() && fraction.is_none_or(str::is_empty);
    if is_empty || !digits(whole) || !fraction.is_none_or(digits) {
        return None;
    }
    let or_zero = |digits: &str| if digits.is_empty() { "0" } else { digits }.to_owned();
    let mut out = sign.to_owned() + &or_zero(whole.trim_start_matches('0'));
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(&or_zero(fraction.trim_end_matches('0')));
    }
    if let Some(exponent) = exponent {
        let size = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if size.is_empty() || !digits(size) {
            return None;
        }
        out.push('e');
        out.push_str(exponent.strip_prefix('+').unwrap_or(exponent));
    }
    Some(out)
}

/// The number that a decimal says, if one comes near it: right to the last bit for fifteen
/// digits and exponents to 22, which is more than any field takes; else as near as some few
/// roundings leave it.
pub fn to_f64(text: &str) -> Option<f64> {
    let text = canonical(text)?;
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (mut mantissa, mut scale, mut is_behind) = (0_u64, exponent.parse::<i32>().ok()?, false);
    for digit in digits.trim_start_matches('-').bytes() {
        match digit {
            b'.' => is_behind = true,
            // What follows eighteen digits tells no more than how many there are.
            _ if mantissa >= 10_u64.pow(18) => scale = scale.saturating_add(i32::from(!is_behind)),
            digit => {
                mantissa = mantissa * 10 + u64::from(digit - b'0');
                scale = scale.saturating_sub(i32::from(is_behind));
            }
        }
    }
    let power = 10_f64.powi(scale.saturating_abs());
    let size = match scale {
        0.. => mantissa as f64 * power,
        _ => mantissa as f64 / power,
    };
    let number = if text.starts_with('-') { -size } else { size };
    Some(number).filter(|number| number.is_finite())
}

/// A number of at most six decimals as text, always with a point. None: it has more.
pub fn of_f64(number: f64) -> Option<String> {
    const UNIT: f64 = 1e6;
    let units = (number * UNIT).round();
    // Below 2^53 each whole number is one, so that what is written reads the same.
    if !(units.abs() < 9e15 && units / UNIT == number) {
        return None;
    }
    let sign = if units < 0.0 { "-" } else { "" };
    let units = units.abs() as u64;
    canonical(&format!("{sign}{}.{:06}", units / 1_000_000, units % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_written_in_one_way() {
        let told = [
            "1.5",
            "+.50",
            "1.",
            "-1.E+3",
            "1e-05",
            "007.10",
            "18446744073709551616",
            ".",
            "",
            "-",
            "1.2.3",
            "1e",
            "1e+-3",
            "0x1",
            "1_0",
            "inf",
            "١",
        ]
        .map(|text| canonical(text).unwrap_or_else(|| "none".into()));
        assert_eq!(
            told.join(" "),
            "1.5 0.5 1.0 -1.0e3 1e-05 7.1 18446744073709551616 none none none none none none none none none none"
        );
    }

    #[test]
    fn what_no_number_comes_near_is_none() {
        for text in ["1e400", "1e99999999999", "-2e308"] {
            assert_eq!(to_f64(text), None, "{text}");
        }
        assert_eq!(to_f64("1e-400"), Some(0.0));
        for number in [f64::NAN, f64::INFINITY, 1e17, 0.1234567, 4.0 / 3.0] {
            assert_eq!(of_f64(number), None, "{number}");
        }
    }

    proptest::proptest! {
        /// The standard library's are the measure.
        #[test]
        fn fifteen_digits_are_right_to_the_last_bit(digits in 0..10_u64.pow(15), scale in -22..=7_i32, minus: bool) {
            let text = format!("{}{digits}e{scale}", if minus { "-" } else { "" });
            proptest::prop_assert_eq!(to_f64(&text), text.parse().ok());
        }

        #[test]
        fn longer_ones_are_near(whole in "[0-9]{1,30}", behind in "[0-9]{0,30}", scale in -250..250_i32) {
            let text = format!("{whole}.{behind}e{scale}");
            let (ours, theirs): (f64, f64) = (to_f64(&text).unwrap(), text.parse().unwrap());
            proptest::prop_assert!((ours - theirs).abs() <= theirs * 1e-13, "{} {}", ours, theirs);
        }

        #[test]
        fn six_decimals_read_the_same(units in -1_000_000_000_000_i64..1_000_000_000_000) {
            let number = units as f64 / 1e6;
            let text = of_f64(number).unwrap();
            proptest::prop_assert_eq!(text.parse(), Ok(number));
            proptest::prop_assert_eq!(to_f64(&text), Some(number));
        }

        #[test]
        fn all_that_rust_reads_is_a_number(text in "[-+]?[0-9]{0,3}[.]?[0-9]{0,3}([eE][-+]?[0-9]{0,2})?") {
            proptest::prop_assert_eq!(canonical(&text).is_some(), text.parse::<f64>().is_ok());
        }
    }
}
