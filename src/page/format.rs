//! Figures as people read them.

/// `1.29 MB`, in powers of ten as browsers and file managers count.
pub fn bytes(bytes: usize) -> String {
    scaled(bytes as f64, &["B", "kB", "MB", "GB"])
}

/// `8.6 M`: parameters and operations.
pub fn count(count: u64) -> String {
    scaled(count as f64, &["", "k", "M", "G", "T"])
}

fn scaled(mut value: f64, units: &[&str]) -> String {
    let mut unit = 0;
    // 999.5 would be rounded to "1000" of the smaller unit.
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let number = if unit == 0 { format!("{value:.0}") } else { three_digits(value) };
    [&number, units[unit]].join(" ").trim_end().to_owned()
}

/// `2,000`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.834 ms`.
pub fn ms(ms: f64) -> String {
    format!("{} ms", three_digits(ms))
}

/// `7.4 s`, `1 min 12 s`.
pub fn seconds(seconds: f64) -> String {
    if seconds < 59.95 {
        format!("{seconds:.1} s")
    } else {
        let whole = seconds.round() as u64;
        format!("{} min {} s", whole / 60, whole % 60)
    }
}

/// `90.3 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `97 %`.
pub fn whole_percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// `3.62×`.
pub fn times(ratio: f64) -> String {
    format!("{}×", three_digits(ratio))
}

/// `-0.25 points`: a difference of two shares, never a negative zero.
pub fn points(difference: f64) -> String {
    let hundredths = (difference * 1e4).round() / 1e2;
    match hundredths {
        0.0 => "±0 points".to_owned(),
        _ => format!("{hundredths:+.2} points").replace('-', "\u{2212}"),
    }
}

/// `3 × 96 × 96`; a free dimension is `?`.
pub fn shape(shape: &[Option<usize>]) -> String {
    let sizes: Vec<_> =
        shape.iter().map(|size| size.map_or("?".to_owned(), |size| size.to_string())).collect();
    sizes.join(" × ")
}

fn three_digits(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

/// A class folder's name without the number that only puts it in order: `3-gas` is `gas`.
pub fn class_name(folder: &str) -> &str {
    let rest = folder.trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.strip_prefix(['-', '_', ' ', '.']) {
        Some(name) if rest.len() < folder.len() && !name.is_empty() => name,
        _ => folder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_about_three_digits() {
        assert_eq!(bytes(842), "842 B");
        assert_eq!(bytes(1_293_312), "1.29 MB");
        assert_eq!(bytes(999_600), "1.00 MB");
        assert_eq!(count(8_612_000), "8.61 M");
        assert_eq!(count(278_117), "278 k");
        assert_eq!(ms(0.8342), "0.83 ms");
        assert_eq!(ms(12.345), "12.3 ms");
        assert_eq!(times(3.617), "3.62×");
    }

    #[test]
    fn long_counts_are_grouped() {
        assert_eq!(grouped(512), "512");
        assert_eq!(grouped(2_000), "2,000");
        assert_eq!(grouped(26_876_342), "26,876,342");
    }

    #[test]
    fn differences_have_a_sign_and_no_negative_zero() {
        assert_eq!(points(-0.0025), "\u{2212}0.25 points");
        assert_eq!(points(0.001), "+0.10 points");
        assert_eq!(points(-0.000_001), "±0 points");
    }

    #[test]
    fn times_of_a_minute_and_more_are_read_as_such() {
        assert_eq!(seconds(7.44), "7.4 s");
        assert_eq!(seconds(72.0), "1 min 12 s");
    }

    #[test]
    fn class_folders_lose_the_number_that_orders_them() {
        assert_eq!(class_name("3-gas"), "gas");
        assert_eq!(class_name("0_nothing"), "nothing");
        assert_eq!(class_name("42"), "42");
        assert_eq!(class_name("left"), "left");
        assert_eq!(class_name("3d"), "3d");
    }
}
