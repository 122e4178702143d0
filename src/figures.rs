//! Figures as people read them.

/// `1.29 MB`, in powers of ten as browsers and file managers count.
pub fn bytes(bytes: usize) -> String {
    scaled(bytes as f64, &["B", "kB", "MB", "GB"])
}

/// `8.61 M`: parameters and operations.
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

/// `0.834`, `12.3`, `1234`: what is measured seldom holds more.
pub fn three_digits(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        v if v >= 0.9995 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// `0.0123`, `92.4`, `1.2e-5`: three digits of a value in a unit of its own, however small.
pub fn significant(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => "0".into(),
        0.000_999_5..999_500.0 => {
            let digits = (size * (1.0 + 0.5e-3)).log10().floor() as i64;
            let decimals = usize::try_from(2 - digits).unwrap_or(0);
            format!("{value:.decimals$}")
        }
        _ => format!("{value:.2e}"),
    }
}

/// The same with its sign.
pub fn signed(value: f64) -> String {
    let sign = if value < 0.0 { "" } else { "+" };
    sign.to_owned() + &significant(value)
}

/// `96.12`: a share of 1 in hundredths, for where the unit stands elsewhere.
pub fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

/// `902.3`: a return, as the environment pays it.
pub fn tenths(figure: f64) -> String {
    format!("{figure:.1}")
}

/// `0.123`, `4e-69`: a probability, without a row of zeros.
pub fn p_value(p: f64) -> String {
    if p > 0.0 && p < 1e-3 { format!("{p:.0e}") } else { format!("{p:.3}") }
}

/// `[95.2, 96.8]`: the two ends of an interval.
pub fn interval([low, high]: [f64; 2], figure: impl Fn(f64) -> String) -> String {
    format!("[{}, {}]", figure(low), figure(high))
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
        assert_eq!(three_digits(0.8342), "0.834");
        assert_eq!(three_digits(9.999), "10.0");
        assert_eq!(three_digits(12.345), "12.3");
    }

    #[test]
    fn values_keep_three_digits_of_any_size() {
        let cases = [
            (0.0, "0"),
            (0.012_345, "0.0123"),
            (0.001, "0.00100"),
            (0.000_012_3, "1.23e-5"),
            (9.996, "10.0"),
            (92.41, "92.4"),
            (-43.04, "-43.0"),
            (1234.6, "1235"),
            (2.5e7, "2.50e7"),
        ];
        for (value, text) in cases {
            assert_eq!(significant(value), text);
        }
        assert_eq!([signed(0.5), signed(-0.5)], ["+0.500", "-0.500"]);
    }

    #[test]
    fn small_probabilities_are_no_zeros() {
        assert_eq!([0.25, 0.001, 0.000_41, 0.0].map(p_value), ["0.250", "0.001", "4e-4", "0.000"]);
    }

    #[test]
    fn long_counts_are_grouped() {
        assert_eq!(grouped(512), "512");
        assert_eq!(grouped(2_000), "2,000");
        assert_eq!(grouped(26_876_342), "26,876,342");
    }
}
