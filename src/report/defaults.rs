//! What there is to say about an operator's defaults.

use crate::model::Diagnostic;

/// Why defaults do not hold.
pub const INVALID: &str = "DefaultsInvalid";
/// Other defaults hold now.
pub const CHANGED: &str = "DefaultsChanged";

/// What is wrong with them, in one line: the first finding with its place and its hint, and how many there are beside it.
pub fn invalid(found: &[Diagnostic]) -> String {
    let Some(first) = found.first() else { return "nothing is known of what is wrong with them".to_owned() };
    let hint = first.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    let more = match found.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    format!("{}: {} {}{hint}{more}", first.place(), first.code, first.message)
}

/// What comes of other defaults.
pub fn changed(services: usize) -> String {
    match services {
        0 => "other defaults hold now; no MicroService is rendered otherwise by them".to_owned(),
        1 => "other defaults hold now; 1 MicroService is rendered anew by them".to_owned(),
        many => format!("other defaults hold now; {many} MicroServices are rendered anew by them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::codes::{self, Example};
    use crate::model::{Code, Position};

    #[test]
    fn the_first_finding_is_told_with_its_place_and_the_others_are_counted() {
        let at = Position { line: 3, column: 5, width: 7 };
        let found =
            Diagnostic::error(Code::UnknownField, at, "defaults has no field replica").hint("did you mean replicas?");
        let found = found.in_file(&"defaults.yaml".into());
        let said = "defaults.yaml:3:5: GM203 defaults has no field replica; did you mean replicas?";
        assert_eq!(invalid(std::slice::from_ref(&found)), said);
        assert_eq!(invalid(&[found.clone(), found.clone(), found]), format!("{said} (and 2 more)"));
        let Example::Said(example) = codes::by_word(INVALID).unwrap().example else { panic!() };
        assert!(example.ends_with(&format!("{INVALID}: {said}")), "{example}");
        let Example::Said(example) = codes::by_word(CHANGED).unwrap().example else { panic!() };
        assert!(example.ends_with(&format!("{CHANGED}: {}", changed(12))), "{example}");
    }
}
