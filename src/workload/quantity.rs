//! Quantities in the form in which the API server keeps them: `0.5` as `500m`, `1024Mi` as `1Gi`.
//!
//! The rules are Kubernetes' own: no fraction, the largest suffix that loses nothing, the same family
//! of suffixes as written.

/// Decimal suffixes and their powers of ten.
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
/// Binary suffixes: powers of 1024, from 1.
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
/// The finest power of ten that is kept.
const FINEST: i32 = -9;

/// How the author wrote the magnitude, and how it is written back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Suffix,
    Exponent,
    Binary,
}

/// `digits` × 10^`exponent`.
#[derive(Clone, Copy)]
struct Amount {
    digits: i128,
    exponent: i32,
}

/// The canonical form. What is no quantity, or too large to be one, comes back as written: the API server judges it.
pub(super) fn canonical(text: &str) -> String {
    canonical_form(text.trim()).unwrap_or_else(|| text.to_owned())
}

fn canonical_form(text: &str) -> Option<String> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let number = parse_number(number)?;
    let (amount, family) = if let Some(at) = BINARY.iter().position(|name| *name == suffix) {
        let factor = 1024_i128.checked_pow(u32::try_from(at).ok()? + 1)?;
        (Amount { digits: number.digits.checked_mul(factor)?, ..number }, Family::Binary)
    } else if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        (Amount { exponent: number.exponent + power, ..number }, Family::Suffix)
    } else {
        let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok().filter(|power: &i32| power.abs() <= 18)?;
        (Amount { exponent: number.exponent + power, ..number }, Family::Exponent)
    };
    print(round_up(amount, FINEST)?, family)
}

/// Digits with at most one point, perhaps after a sign.
fn parse_number(text: &str) -> Option<Amount> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.len() > 24 {
        return None;
    }
    let magnitude: i128 = digits.parse().ok()?;
    let digits = if text.starts_with('-') { -magnitude } else { magnitude };
    Some(Amount { digits, exponent: -i32::try_from(fraction.len()).ok()? })
}

/// Away from zero to a multiple of 10^`finest`, and without trailing zeros.
fn round_up(mut amount: Amount, finest: i32) -> Option<Amount> {
    if amount.exponent < finest {
        let unit = 10_i128.checked_pow(u32::try_from(finest - amount.exponent).ok()?)?;
        let rest = amount.digits % unit;
        amount = Amount { digits: amount.digits / unit + rest.signum(), exponent: finest };
    }
    while amount.digits != 0 && amount.digits % 10 == 0 {
        amount = Amount { digits: amount.digits / 10, exponent: amount.exponent + 1 };
    }
    Some(amount)
}

fn print(amount: Amount, family: Family) -> Option<String> {
    if amount.digits == 0 {
        return Some("0".into());
    }
    if family == Family::Binary
        && let Some(whole) = to_integer(amount)?.filter(|whole| whole.abs() >= 1024)
    {
        return Some(print_binary(whole));
    }
    let power = amount.exponent.div_euclid(3) * 3;
    let digits = amount.digits.checked_mul(10_i128.checked_pow(u32::try_from(amount.exponent - power).ok()?)?)?;
    match family {
        Family::Exponent if power == 0 => Some(digits.to_string()),
        Family::Exponent => Some(format!("{digits}e{power}")),
        Family::Suffix | Family::Binary => {
            let (suffix, _) = DECIMAL.iter().find(|(_, of)| *of == power)?;
            Some(format!("{digits}{suffix}"))
        }
    }
}

/// The amount rounded up to a whole number; the inner `None` when it is smaller than 1024, which is printed with its fraction.
fn to_integer(amount: Amount) -> Option<Option<i128>> {
    if amount.exponent >= 0 {
        let factor = 10_i128.checked_pow(u32::try_from(amount.exponent).ok()?)?;
        return Some(Some(amount.digits.checked_mul(factor)?));
    }
    let unit = 10_i128.checked_pow(u32::try_from(-amount.exponent).ok()?)?;
    let below = (amount.digits / unit).abs() < 1024;
    let rounded = amount.digits / unit + (amount.digits % unit).signum();
    Some((!below).then_some(rounded))
}

fn print_binary(mut whole: i128) -> String {
    let mut suffix = "";
    for larger in BINARY {
        if whole % 1024 != 0 {
            break;
        }
        whole /= 1024;
        suffix = larger;
    }
    format!("{whole}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_as_kubernetes_writes_them() {
        for (written, kept) in [
            ("0", "0"),
            ("0.0", "0"),
            ("1", "1"),
            ("100m", "100m"),
            ("0.5", "500m"),
            (".5", "500m"),
            ("1.", "1"),
            ("+2", "2"),
            ("-1.5", "-1500m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("1000", "1k"),
            ("1200", "1200"),
            ("1000M", "1G"),
            ("0.1m", "100u"),
            ("0.0000000001", "1n"),
            ("128Mi", "128Mi"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1000Mi", "1000Mi"),
            ("0.5Ki", "512"),
            (".001Ki", "1024m"),
            (".000000000001Ki", "2n"),
            ("1e3", "1e3"),
            ("1000e0", "1e3"),
            ("1E3", "1e3"),
            ("5e0", "5"),
            ("1E", "1E"),
            ("128974848", "128974848"),
        ] {
            assert_eq!(canonical(written), kept, "{written}");
            assert_eq!(canonical(kept), kept, "{kept} again");
        }
    }

    #[test]
    fn what_is_no_quantity_stays_as_written() {
        for text in ["", "one", "1.2.3", "1Xi", "1e99", "--1", "m"] {
            assert_eq!(canonical(text), text);
        }
    }
}
