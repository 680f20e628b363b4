//! What a plain scalar means, and where the YAML versions disagree about it.

use serde_json::Number;

/// What a plain scalar means.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    /// Nothing, `~` or `null`.
    Null,
    /// true or false.
    Bool(bool),
    /// A number, as the API server stores it.
    Number(Number),
    /// Text.
    Text,
    /// YAML 1.1, YAML 1.2 and kubectl read it differently.
    Ambiguous(Odd),
}

/// What some make of an ambiguous scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Odd {
    /// `yes`, `off`
    Boolean,
    /// `0644`, `0o644`
    Octal,
    /// `0x1F`
    Hexadecimal,
    /// `0b101`
    Binary,
    /// `1_000`
    Grouped,
    /// `12:30:45`
    Sexagesimal,
    /// `+1`
    Signed,
    /// `.inf`, `1e999`
    Unbounded,
}

impl Odd {
    /// What some read it as.
    pub fn read_as(self) -> &'static str {
        match self {
            Self::Boolean => "true or false",
            Self::Octal => "an octal number",
            Self::Hexadecimal => "a hexadecimal number",
            Self::Binary => "a binary number",
            Self::Grouped => "a number with underscores",
            Self::Sexagesimal => "a number to base 60",
            Self::Signed => "a number with a plus sign",
            Self::Unbounded => "a number that JSON does not have",
        }
    }

    /// What to write instead.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Boolean => "put it in quotes, or write true or false",
            _ => "put it in quotes, or write a decimal number",
        }
    }
}

/// Reads a plain scalar.
pub(super) fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        _ => {}
    }
    match text.as_bytes() {
        [b'0'..=b'9' | b'+' | b'-' | b'.', ..] => number(text),
        [b'y' | b'Y' | b'n' | b'N' | b'o' | b'O', ..] if is_word_of_old(text) => Scalar::Ambiguous(Odd::Boolean),
        _ => Scalar::Text,
    }
}

/// YAML 1.1 has more words for true and false.
fn is_word_of_old(text: &str) -> bool {
    ["y", "n", "yes", "no", "on", "off"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn number(text: &str) -> Scalar {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let explicit_plus = text.starts_with('+');
    if [".inf", ".nan"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
        return Scalar::Ambiguous(Odd::Unbounded);
    }
    if let Some(why) = odd_integer(unsigned) {
        return Scalar::Ambiguous(why);
    }
    if !is_decimal(unsigned) {
        return Scalar::Text;
    }
    if explicit_plus {
        return Scalar::Ambiguous(Odd::Signed);
    }
    if let Ok(integer) = text.parse::<i64>() {
        return Scalar::Number(integer.into());
    }
    if let Ok(integer) = text.parse::<u64>() {
        return Scalar::Number(integer.into());
    }
    text.parse::<f64>().ok().and_then(stored).map_or(Scalar::Ambiguous(Odd::Unbounded), Scalar::Number)
}

/// A number as the API server stores it: `1.0` becomes `1`.
pub(super) fn stored(value: f64) -> Option<Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        // It is integral and below 2^53, so nothing is cut off.
        #[allow(clippy::cast_possible_truncation)]
        return Some((value as i64).into());
    }
    Number::from_f64(value)
}

/// Integers that only some read as such: octal, hexadecimal, binary, with underscores, base 60.
fn odd_integer(text: &str) -> Option<Odd> {
    let digits = |text: &str, ok: fn(u8) -> bool| !text.is_empty() && text.bytes().all(|b| ok(b) || b == b'_');
    if let Some(rest) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return digits(rest, |b| b.is_ascii_hexdigit()).then_some(Odd::Hexadecimal);
    }
    if let Some(rest) = text.strip_prefix("0o").or_else(|| text.strip_prefix("0O")) {
        return digits(rest, |b| b.is_ascii_digit()).then_some(Odd::Octal);
    }
    if let Some(rest) = text.strip_prefix("0b").or_else(|| text.strip_prefix("0B")) {
        return digits(rest, |b| b.is_ascii_digit()).then_some(Odd::Binary);
    }
    if text.len() > 1 && text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Odd::Octal);
    }
    if text.contains(':') {
        return is_sexagesimal(text).then_some(Odd::Sexagesimal);
    }
    let grouped = text.contains('_') && text.starts_with(|c: char| c.is_ascii_digit());
    (grouped && is_decimal(&text.replace('_', ""))).then_some(Odd::Grouped)
}

/// `12:30:45`, `22:22`: every part after the first is below 60.
fn is_sexagesimal(text: &str) -> bool {
    let mut parts = text.split(':');
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    parts.next().is_some_and(number)
        && parts.all(|part| {
            let whole = part.split_once('.').map_or(part, |(whole, _)| whole);
            whole.len() <= 2 && number(whole) && whole.parse::<u8>().is_ok_and(|value| value < 60)
        })
}

/// `12`, `1.5`, `.5`, `1.`, `1e3`; the sign is off already.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match resolve(text) {
            Scalar::Null => "null".to_owned(),
            Scalar::Bool(value) => value.to_string(),
            Scalar::Number(number) => number.to_string(),
            Scalar::Text => "text".to_owned(),
            Scalar::Ambiguous(_) => "ambiguous".to_owned(),
        };
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn what_all_agree_about_is_read() {
        for (text, expected) in [
            ("", "null"),
            ("~", "null"),
            ("Null", "null"),
            ("True", "true"),
            ("FALSE", "false"),
            ("0", "0"),
            ("-12", "-12"),
            ("18446744073709551615", "18446744073709551615"),
            ("1.0", "1"),
            ("-0.0", "0"),
            ("0.5", "0.5"),
            (".5", "0.5"),
            ("1e3", "1000"),
            ("1.5E-3", "0.0015"),
            ("100m", "text"),
            ("1.2.3", "text"),
            ("8080:80", "text"),
            ("2024-01-01", "text"),
            ("10.0.0.1", "text"),
            ("-", "text"),
            ("--flag", "text"),
            ("...", "text"),
            ("nope", "text"),
            ("truE", "text"),
            ("0xyz", "text"),
            ("e3", "text"),
            ("1e", "text"),
            ("_1", "text"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn what_some_read_differently_is_ambiguous() {
        for text in [
            "yes", "No", "ON", "off", "y", "N", "yEs", "0644", "-007", "08", "0o644", "0x1F", "0b101", "1_000",
            "1_000.5", "12:30:45", "22:22", "1:2.5", "+1", "+1.5", ".inf", "-.Inf", ".NaN", "1e999",
        ] {
            check(text, "ambiguous");
        }
    }
}
