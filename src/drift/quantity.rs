//! Kubernetes quantities, compared by value: `500m` is `0.5`, `1Gi` is `1024Mi`. Exact, no floats.

/// A quantity as `mantissa × 2^twos × 5^fives`, where the mantissa has neither factor: equal values
/// have equal parts, however they were written, and no exponent can overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantity {
    mantissa: i128,
    twos: i64,
    fives: i64,
}

impl Quantity {
    /// Reads a quantity; `None` when it is none, or has more digits than anyone needs (38).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        // A fraction's trailing zeros say nothing and must not count as digits.
        let fraction = fraction.trim_end_matches('0');
        if fraction.contains('.') || number.len() == usize::from(number.contains('.')) {
            return None;
        }
        let digits = whole.bytes().chain(fraction.bytes());
        let mantissa = digits
            .map(|digit| i128::from(digit - b'0'))
            .try_fold(0_i128, |sum, digit| sum.checked_mul(10).and_then(|tens| tens.checked_add(digit)))?;
        let (twos, tens) = exponents(suffix)?;
        let tens = tens.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        Self { mantissa: if negative { -mantissa } else { mantissa }, twos: twos.checked_add(tens)?, fives: tens }
            .reduced()
    }

    /// Moves the factors 2 and 5 out of the mantissa.
    fn reduced(mut self) -> Option<Self> {
        if self.mantissa == 0 {
            return Some(Self { mantissa: 0, twos: 0, fives: 0 });
        }
        while self.mantissa % 5 == 0 {
            self.mantissa /= 5;
            self.fives = self.fives.checked_add(1)?;
        }
        let twos = self.mantissa.trailing_zeros();
        self.mantissa >>= twos;
        self.twos = self.twos.checked_add(i64::from(twos))?;
        Some(self)
    }
}

/// The powers of two and of ten that a suffix stands for.
fn exponents(suffix: &str) -> Option<(i64, i64)> {
    let (twos, tens) = match suffix {
        "n" => (0, -9),
        "u" => (0, -6),
        "m" => (0, -3),
        "" => (0, 0),
        "k" => (0, 3),
        "M" => (0, 6),
        "G" => (0, 9),
        "T" => (0, 12),
        "P" => (0, 15),
        "E" => (0, 18),
        "Ki" => (10, 0),
        "Mi" => (20, 0),
        "Gi" => (30, 0),
        "Ti" => (40, 0),
        "Pi" => (50, 0),
        "Ei" => (60, 0),
        // `E` alone is exa; with a number it is an exponent.
        exponent => (0, i64::from(exponent.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?)),
    };
    Some((twos, tens))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_equal(texts: &[&str]) {
        let first = Quantity::parse(texts[0]);
        assert!(first.is_some(), "{} is a quantity", texts[0]);
        for text in texts {
            assert_eq!(Quantity::parse(text), first, "{text} is {}", texts[0]);
        }
    }

    #[test]
    fn equal_values_are_equal_however_they_are_written() {
        check_equal(&["500m", "0.5", ".5", "+0.500", "5e-1", "500000u", "500000000n", "0.0005k"]);
        check_equal(&["1Gi", "1024Mi", "1048576Ki", "1073741824", "0.0009765625Ti"]);
        check_equal(&["1", "1.", "1000m", "1e0", "1E0", "01", "0.001k"]);
        check_equal(&["1E", "1000P", "1e18", "1E18", "1E+18", "1000000000000000000"]);
        check_equal(&["1Ei", "1024Pi", "1048576Ti"]);
        check_equal(&["0", "-0", "0m", "0Gi", "0e9", "0.0"]);
        check_equal(&["-1.5Gi", "-1536Mi"]);
        check_equal(&["1T", "1000G"]);
        check_equal(&["1k", "1000", "1e3", "0.001M"]);
    }

    #[test]
    fn different_values_differ() {
        for (one, other) in [("1G", "1Gi"), ("1", "-1"), ("500m", "501m"), ("1M", "1m"), ("1n", "0"), ("1Ki", "1k")] {
            assert_ne!(Quantity::parse(one), Quantity::parse(other), "{one} and {other}");
        }
    }

    #[test]
    fn other_text_is_no_quantity() {
        for text in
            ["", "-", ".", "+.", "abc", "1K", "1ki", "1 Gi", " 1", "1..2", "1.2.3", "1e", "e3", "1e1.5", "--1", "1Gib"]
        {
            assert_eq!(Quantity::parse(text), None, "{text:?}");
        }
        assert_eq!(Quantity::parse(&"9".repeat(60)), None, "too many digits");
        assert!(Quantity::parse("1e2147483647").is_some(), "any exponent");
    }

    proptest! {
        #[test]
        fn anything_can_be_read(text in "\\PC*") {
            let _ = Quantity::parse(&text);
        }

        #[test]
        fn shifting_the_point_and_the_exponent_keeps_the_value(
            number in any::<i64>(), shift in 0_usize..40, zeros in 0_usize..8,
        ) {
            let digits = number.unsigned_abs().to_string();
            let padded = format!("{}{digits}", "0".repeat(shift));
            let (whole, fraction) = padded.split_at(padded.len() - shift);
            let sign = if number < 0 { "-" } else { "" };
            let shifted = format!("{sign}{whole}.{fraction}{}e{shift}", "0".repeat(zeros));
            prop_assert_eq!(Quantity::parse(&shifted), Quantity::parse(&number.to_string()), "{}", shifted);
        }

        #[test]
        fn each_suffix_is_the_next_smaller_one_times_its_base(number in -1_000_000_i64..1_000_000) {
            for (suffixes, base) in [(&["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][..], 1000),
                                     (&["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][..], 1024)] {
                for pair in suffixes.windows(2) {
                    let larger = format!("{number}{}", pair[1]);
                    let smaller = format!("{}{}", number * base, pair[0]);
                    prop_assert_eq!(Quantity::parse(&larger), Quantity::parse(&smaller), "{} {}", larger, smaller);
                }
            }
        }

        #[test]
        fn two_quantities_are_equal_exactly_when_their_numbers_are(one in -300_i64..300, other in -300_i64..300) {
            // In thousandths, so that the decimal text is exact.
            let decimal = |n: i64| format!("{}{}.{:03}", if n < 0 { "-" } else { "" }, n.abs() / 1000, n.abs() % 1000);
            prop_assert_eq!(Quantity::parse(&decimal(one)) == Quantity::parse(&format!("{other}m")), one == other);
        }
    }
}
